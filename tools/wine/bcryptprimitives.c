/*
 * For tests only: what deno.exe misses in Wine 8. ProcessPrng is asked of advapi32 instead; and VirtualAlloc2, which Wine
 * has without the placeholders V8 needs, is made impossible to find, so that V8 does what it does on older Windows.
 */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

static const ULONG MOST_AT_ONCE = 0x10000;

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length < MOST_AT_ONCE ? (ULONG)length : MOST_AT_ONCE;
        if (!SystemFunction036(buffer, part)) return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}

/* Changes the last letter of an exported name in memory. */
static void rename_export(HMODULE module, const char *name)
{
    BYTE *base = (BYTE *)module;
    if (base == NULL) return;
    IMAGE_NT_HEADERS *headers = (IMAGE_NT_HEADERS *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    DWORD place = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress;
    if (place == 0) return;
    IMAGE_EXPORT_DIRECTORY *exports = (IMAGE_EXPORT_DIRECTORY *)(base + place);
    DWORD *names = (DWORD *)(base + exports->AddressOfNames);
    for (DWORD at = 0; at < exports->NumberOfNames; at++) {
        char *found = (char *)(base + names[at]);
        if (lstrcmpA(found, name) != 0) continue;
        char *last = found + lstrlenA(found) - 1;
        DWORD before;
        if (!VirtualProtect(last, 1, PAGE_READWRITE, &before)) return;
        *last = '_';
        VirtualProtect(last, 1, before, &before);
        return;
    }
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) rename_export(GetModuleHandleA("kernelbase.dll"), "VirtualAlloc2");
    return TRUE;
}
