// The packaged COM libraries on our user32 and gdi32: apartments, memory, strings, a class object of our own, and a call
// from one apartment into another.
#include "tests/guest/win32/tap.hpp"

#define INITGUID
#include <objbase.h>
#include <oleauto.h>

namespace {

constexpr GUID ClassId = { 0x6E657074, 0x756E, 0x6500, { 1, 2, 3, 4, 5, 6, 7, 8 } };

// A stream object's factory: enough of IClassFactory to be registered and asked.
struct Factory {
    struct Table {
        HRESULT(STDMETHODCALLTYPE* QueryInterface)(Factory*, const IID&, void**);
        ULONG(STDMETHODCALLTYPE* AddRef)(Factory*);
        ULONG(STDMETHODCALLTYPE* Release)(Factory*);
        HRESULT(STDMETHODCALLTYPE* CreateInstance)(Factory*, IUnknown*, const IID&, void**);
        HRESULT(STDMETHODCALLTYPE* LockServer)(Factory*, BOOL);
    };
    const Table* Functions;
    LONG References;
};
HRESULT STDMETHODCALLTYPE Query(Factory* F, const IID& Id, void** Out)
{
    if (Id == IID_IUnknown || Id == IID_IClassFactory) {
        InterlockedIncrement(&F->References);
        *Out = F;
        return S_OK;
    }
    *Out = nullptr;
    return E_NOINTERFACE;
}
const Factory::Table Functions = {
    Query,
    [](Factory* F) -> ULONG { return ULONG(InterlockedIncrement(&F->References)); },
    [](Factory* F) -> ULONG { return ULONG(InterlockedDecrement(&F->References)); },
    [](Factory*, IUnknown*, const IID& Id, void** Out) -> HRESULT {
        IStream* Stream;
        HRESULT Result = CreateStreamOnHGlobal(nullptr, TRUE, &Stream);
        if (SUCCEEDED(Result)) {
            Result = Stream->QueryInterface(Id, Out);
            Stream->Release();
        }
        return Result;
    },
    [](Factory*, BOOL) -> HRESULT { return S_OK; },
};
Factory Ours = { &Functions, 1 };

void Basics()
{
    CHECK_EQ(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED), S_OK);
    CHECK_EQ(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED), S_FALSE);
    CHECK_EQ(CoInitializeEx(nullptr, COINIT_MULTITHREADED), RPC_E_CHANGED_MODE);
    CoUninitialize();
    GUID A, B;
    CHECK(CoCreateGuid(&A) == S_OK && CoCreateGuid(&B) == S_OK);
    CHECK(!(A == B));
    WCHAR Text[40];
    CHECK_EQ(StringFromGUID2(ClassId, Text, 40), 39);
    CHECK_TEXT(Text, L"{6E657074-756E-6500-0102-030405060708}");
    CHECK(CLSIDFromString(Text, &A) == S_OK && A == ClassId);
    void* Memory = CoTaskMemAlloc(100);
    CHECK(Memory != nullptr);
    Memory = CoTaskMemRealloc(Memory, 1000);
    CHECK(Memory != nullptr);
    CoTaskMemFree(Memory);
    IUnknown* Object = nullptr;
    CHECK_EQ(CoCreateInstance(ClassId, nullptr, CLSCTX_INPROC_SERVER, IID_IUnknown, reinterpret_cast<void**>(&Object)),
             REGDB_E_CLASSNOTREG);
}

void Strings()
{
    BSTR Text = SysAllocString(L"abc");
    CHECK(Text && SysStringLen(Text) == 3 && SysStringByteLen(Text) == 6);
    VARIANT V, Out;
    VariantInit(&V);
    VariantInit(&Out);
    V.vt = VT_I4;
    V.lVal = -42;
    CHECK_EQ(VariantChangeType(&Out, &V, 0, VT_BSTR), S_OK);
    CHECK(Out.vt == VT_BSTR && lstrcmpW(Out.bstrVal, L"-42") == 0);
    VariantClear(&Out);
    SysFreeString(Text);
}

void Objects()
{
    DWORD Cookie = 0;
    CHECK_EQ(CoRegisterClassObject(ClassId, reinterpret_cast<IUnknown*>(&Ours), CLSCTX_INPROC_SERVER, REGCLS_MULTIPLEUSE, &Cookie), S_OK);
    IStream* Stream = nullptr;
    CHECK_EQ(CoCreateInstance(ClassId, nullptr, CLSCTX_INPROC_SERVER, IID_IStream, reinterpret_cast<void**>(&Stream)), S_OK);
    ULONG Done = 0;
    CHECK(Stream && Stream->Write("data", 4, &Done) == S_OK && Done == 4);
    if (Stream) {
        Stream->Release();
    }
    CHECK_EQ(CoRevokeClassObject(Cookie), S_OK);
}

// An object that says on which thread it was called.
struct Persist {
    struct Table {
        HRESULT(STDMETHODCALLTYPE* QueryInterface)(Persist*, const IID&, void**);
        ULONG(STDMETHODCALLTYPE* AddRef)(Persist*);
        ULONG(STDMETHODCALLTYPE* Release)(Persist*);
        HRESULT(STDMETHODCALLTYPE* GetClassID)(Persist*, CLSID*);
    };
    const Table* Functions;
    LONG References;
};
DWORD CalledOn;
const Persist::Table PersistFunctions = {
    [](Persist* P, const IID& Id, void** Out) -> HRESULT {
        bool Good = Id == IID_IUnknown || Id == IID_IPersist;
        *Out = Good ? P : nullptr;
        P->References += Good;
        return Good ? S_OK : E_NOINTERFACE;
    },
    [](Persist* P) -> ULONG { return ULONG(InterlockedIncrement(&P->References)); },
    [](Persist* P) -> ULONG { return ULONG(InterlockedDecrement(&P->References)); },
    [](Persist*, CLSID* Out) -> HRESULT {
        CalledOn = GetCurrentThreadId();
        *Out = ClassId;
        return S_OK;
    },
};
Persist Named = { &PersistFunctions, 1 };
IStream* Marshalled;

DWORD WINAPI OtherApartment(void*)
{
    CoInitializeEx(nullptr, COINIT_MULTITHREADED);
    IPersist* Proxy = nullptr;
    HRESULT Result = CoGetInterfaceAndReleaseStream(Marshalled, IID_IPersist, reinterpret_cast<void**>(&Proxy));
    if (SUCCEEDED(Result)) {
        CLSID Id = {};
        Result = Proxy->GetClassID(&Id);
        Result = SUCCEEDED(Result) && !(Id == ClassId) ? E_UNEXPECTED : Result;
        Proxy->Release();
    }
    CoUninitialize();
    return DWORD(Result);
}

// The call arrives as a message in this thread's queue.
void Apartments()
{
    CHECK_EQ(CoMarshalInterThreadInterfaceInStream(IID_IPersist, reinterpret_cast<IUnknown*>(&Named), &Marshalled), S_OK);
    HANDLE Thread = CreateThread(nullptr, 0, OtherApartment, nullptr, 0, nullptr);
    DWORD Woke;
    while ((Woke = MsgWaitForMultipleObjects(1, &Thread, FALSE, 10000, QS_ALLINPUT)) == WAIT_OBJECT_0 + 1) {
        MSG M;
        while (PeekMessageW(&M, nullptr, 0, 0, PM_REMOVE)) {
            DispatchMessageW(&M);
        }
    }
    CHECK_EQ(Woke, DWORD(WAIT_OBJECT_0));
    DWORD Code = 1;
    GetExitCodeThread(Thread, &Code);
    CHECK_EQ(Code, DWORD(S_OK));
    CHECK_EQ(CalledOn, GetCurrentThreadId());
    CloseHandle(Thread);
}

}

void Test()
{
    Basics();
    Strings();
    Objects();
    Apartments();
    CoUninitialize();
}
