/*
 * For tests only: the part of iphlpapi.dll that Wine 8 lacks. It writes down what it is asked, read back by TestTakeLog, with
 * Windows' own structures: a field in the wrong place shows.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <netioapi.h>
#include <stdio.h>
#include <string.h>


static char text[65536];
static size_t used;
static DWORD refusal;

static void note(const char *what, const SOCKADDR_INET *address, int bits, const NET_LUID *luid, const char *more)
{
    char name[64] = "?";
    const void *raw = address->si_family == AF_INET ? (const void *)&address->Ipv4.sin_addr : (const void *)&address->Ipv6.sin6_addr;
    inet_ntop(address->si_family, raw, name, sizeof name);
    used += snprintf(text + used, sizeof text - used, "%s %s/%d on %llx%s\n", what, name, bits, (unsigned long long)luid->Value, more);
}

void TestRefuse(DWORD error)
{
    refusal = error;
}

DWORD TestTakeLog(char *out, DWORD room)
{
    DWORD length = (DWORD)used;
    memcpy(out, text, length < room ? length : room);
    used = 0;
    return length;
}

void WINAPI DoubleInitializeUnicastIpAddressEntry(MIB_UNICASTIPADDRESS_ROW *row)
{
    memset(row, 0, sizeof *row);
    row->ValidLifetime = row->PreferredLifetime = 0xFFFFFFFF;
    row->PrefixOrigin = IpPrefixOriginManual + 10;
}

DWORD WINAPI DoubleCreateUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row)
{
    if (refusal != 0) return refusal;
    const char *more = row->DadState == IpDadStatePreferred && row->ValidLifetime == 0xFFFFFFFF ? ", preferred" : ", tentative";
    note("add address", &row->Address, row->OnLinkPrefixLength, &row->InterfaceLuid, more);
    return NO_ERROR;
}

DWORD WINAPI DoubleDeleteUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row)
{
    note("drop address", &row->Address, row->OnLinkPrefixLength, &row->InterfaceLuid, "");
    return NO_ERROR;
}

void WINAPI DoubleInitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row)
{
    memset(row, 0, sizeof *row);
    row->ValidLifetime = row->PreferredLifetime = 0xFFFFFFFF;
    row->Metric = 0xFFFFFFFF;
}

DWORD WINAPI DoubleCreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    if (refusal != 0) return refusal;
    char more[64];
    snprintf(more, sizeof more, ", next hop family %d, metric %lu", row->NextHop.si_family, row->Metric);
    note("add route", &row->DestinationPrefix.Prefix, row->DestinationPrefix.PrefixLength, &row->InterfaceLuid, more);
    return NO_ERROR;
}

DWORD WINAPI DoubleDeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    note("drop route", &row->DestinationPrefix.Prefix, row->DestinationPrefix.PrefixLength, &row->InterfaceLuid, "");
    return NO_ERROR;
}

void WINAPI DoubleInitializeIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    memset(row, 0, sizeof *row);
}

DWORD WINAPI DoubleGetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    row->NlMtu = 65535;
    row->UseAutomaticMetric = TRUE;
    /* Windows gives this value for IPv4 and refuses to take it back. */
    row->SitePrefixLength = row->Family == AF_INET ? 64 : 0;
    return NO_ERROR;
}

DWORD WINAPI DoubleSetIpInterfaceEntry(const MIB_IPINTERFACE_ROW *row)
{
    if (refusal != 0) return refusal;
    if (row->Family == AF_INET && row->SitePrefixLength > 32) return ERROR_INVALID_PARAMETER;
    used += snprintf(text + used, sizeof text - used, "interface %llx family %d: MTU %lu, %s metric %lu\n",
        (unsigned long long)row->InterfaceLuid.Value, row->Family, row->NlMtu, row->UseAutomaticMetric ? "automatic" : "fixed", row->Metric);
    return NO_ERROR;
}
