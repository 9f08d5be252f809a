/*
 * For tests only: a stand-in for wintun.dll with the functions of its documented API (wintun.h 0.14), made of queues in
 * memory. TestInject puts a packet where a kernel would, TestCollect takes what was sent, TestStop ends an adapter as
 * removing the driver does.
 */
#include <windows.h>
#include <string.h>

#define EXPORT __declspec(dllexport)
#define MOST_ADAPTERS 8
#define MOST_PACKETS 256
#define MOST_BYTES 0xFFFF
#define NAME_LENGTH 128

typedef struct {
    DWORD size;
    BOOL ready;
    BYTE data[MOST_BYTES];
} Packet;

/* A ring: `head` is the next to take, `tail` the next to fill. */
typedef struct {
    Packet packets[MOST_PACKETS];
    unsigned head, tail;
} Ring;

typedef struct {
    BOOL used, stopped, session;
    WCHAR name[NAME_LENGTH];
    HANDLE readable;
    Ring in, out;
} Adapter;

static Adapter *adapters[MOST_ADAPTERS];
static CRITICAL_SECTION lock;

static Adapter *find(const WCHAR *name)
{
    for (int at = 0; at < MOST_ADAPTERS; at++)
        if (adapters[at] != NULL && adapters[at]->used && lstrcmpW(adapters[at]->name, name) == 0) return adapters[at];
    return NULL;
}

EXPORT Adapter *WINAPI WintunCreateAdapter(const WCHAR *name, const WCHAR *type, const GUID *guid)
{
    (void)type;
    (void)guid;
    if (find(name) != NULL) {
        SetLastError(ERROR_ALREADY_EXISTS);
        return NULL;
    }
    for (int at = 0; at < MOST_ADAPTERS; at++) {
        if (adapters[at] != NULL && adapters[at]->used) continue;
        if (adapters[at] == NULL) adapters[at] = VirtualAlloc(NULL, sizeof(Adapter), MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
        Adapter *adapter = adapters[at];
        memset(adapter, 0, sizeof *adapter);
        adapter->used = TRUE;
        lstrcpynW(adapter->name, name, NAME_LENGTH);
        adapter->readable = CreateEventW(NULL, FALSE, FALSE, NULL);
        return adapter;
    }
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
}

EXPORT Adapter *WINAPI WintunOpenAdapter(const WCHAR *name)
{
    Adapter *adapter = find(name);
    if (adapter == NULL) SetLastError(ERROR_FILE_NOT_FOUND);
    return adapter;
}

EXPORT void WINAPI WintunCloseAdapter(Adapter *adapter)
{
    CloseHandle(adapter->readable);
    adapter->used = FALSE;
}

EXPORT BOOL WINAPI WintunDeleteDriver(void)
{
    return TRUE;
}

EXPORT void WINAPI WintunGetAdapterLUID(Adapter *adapter, ULONG64 *luid)
{
    for (int at = 0; at < MOST_ADAPTERS; at++)
        if (adapters[at] == adapter) *luid = 0x0035000000000000ull + ((ULONG64)(at + 1) << 24);
}

EXPORT DWORD WINAPI WintunGetRunningDriverVersion(void)
{
    return 14;
}

EXPORT void WINAPI WintunSetLogger(void *logger)
{
    (void)logger;
}

EXPORT Adapter *WINAPI WintunStartSession(Adapter *adapter, DWORD capacity)
{
    if (capacity < 0x20000 || capacity > 0x4000000 || (capacity & (capacity - 1)) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (adapter->session) {
        SetLastError(ERROR_ALREADY_INITIALIZED);
        return NULL;
    }
    adapter->session = TRUE;
    return adapter;
}

EXPORT void WINAPI WintunEndSession(Adapter *session)
{
    session->session = FALSE;
}

EXPORT HANDLE WINAPI WintunGetReadWaitEvent(Adapter *session)
{
    return session->readable;
}

EXPORT BYTE *WINAPI WintunReceivePacket(Adapter *session, DWORD *size)
{
    BYTE *data = NULL;
    EnterCriticalSection(&lock);
    Ring *ring = &session->in;
    if (session->stopped) SetLastError(ERROR_HANDLE_EOF);
    else if (ring->head == ring->tail) SetLastError(ERROR_NO_MORE_ITEMS);
    else {
        Packet *packet = &ring->packets[ring->head++ % MOST_PACKETS];
        *size = packet->size;
        data = packet->data;
    }
    LeaveCriticalSection(&lock);
    return data;
}

/* Spoils the packet: who reads it later than this has made a mistake. */
EXPORT void WINAPI WintunReleaseReceivePacket(Adapter *session, const BYTE *data)
{
    (void)session;
    memset((BYTE *)data, 0xDD, 64);
}

EXPORT BYTE *WINAPI WintunAllocateSendPacket(Adapter *session, DWORD size)
{
    BYTE *data = NULL;
    EnterCriticalSection(&lock);
    Ring *ring = &session->out;
    if (session->stopped) SetLastError(ERROR_HANDLE_EOF);
    else if (size > MOST_BYTES || ring->tail - ring->head == MOST_PACKETS) SetLastError(ERROR_BUFFER_OVERFLOW);
    else {
        Packet *packet = &ring->packets[ring->tail++ % MOST_PACKETS];
        packet->size = size;
        packet->ready = FALSE;
        data = packet->data;
    }
    LeaveCriticalSection(&lock);
    return data;
}

EXPORT void WINAPI WintunSendPacket(Adapter *session, const BYTE *data)
{
    (void)session;
    CONTAINING_RECORD(data, Packet, data)->ready = TRUE;
}

EXPORT BOOL WINAPI TestInject(const WCHAR *name, const BYTE *data, DWORD size)
{
    Adapter *adapter = find(name);
    if (adapter == NULL || size > MOST_BYTES) return FALSE;
    EnterCriticalSection(&lock);
    Ring *ring = &adapter->in;
    BOOL room = ring->tail - ring->head < MOST_PACKETS;
    if (room) {
        Packet *packet = &ring->packets[ring->tail++ % MOST_PACKETS];
        packet->size = size;
        memcpy(packet->data, data, size);
    }
    LeaveCriticalSection(&lock);
    if (room) SetEvent(adapter->readable);
    return room;
}

/* The length of the oldest packet that was sent, or -1. */
EXPORT LONG WINAPI TestCollect(const WCHAR *name, BYTE *data, DWORD room)
{
    LONG size = -1;
    Adapter *adapter = find(name);
    if (adapter == NULL) return size;
    EnterCriticalSection(&lock);
    Ring *ring = &adapter->out;
    if (ring->head != ring->tail && ring->packets[ring->head % MOST_PACKETS].ready) {
        Packet *packet = &ring->packets[ring->head++ % MOST_PACKETS];
        size = packet->size;
        memcpy(data, packet->data, packet->size < room ? packet->size : room);
    }
    LeaveCriticalSection(&lock);
    return size;
}

EXPORT void WINAPI TestStop(const WCHAR *name)
{
    Adapter *adapter = find(name);
    if (adapter == NULL) return;
    adapter->stopped = TRUE;
    SetEvent(adapter->readable);
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) InitializeCriticalSection(&lock);
    return TRUE;
}
