// A program and a key of its own to work below, gone with all that is in it at the end of the test.
#pragma once
#include <string>

#include "ntos/cm/key.hpp"
#include "tests/host/system/system.hpp"

namespace test {
using abi::Service;

struct Registry : testing::Test {
    Client C { As::System };
    u64 Out = C.Room(8), Disposition = C.Room(8), Length = C.Room(8), Buffer = C.Room(4096);
    HANDLE Top = MustCreate(L"\\Registry\\Machine\\Software\\Test");

    NTSTATUS Create(ob::Name Path, HANDLE Root = nullptr, u32 Options = 0, ACCESS_MASK Access = KEY_ALL_ACCESS, u64 Class = 0)
    {
        return C.Call(Service::CreateKey, Out, Access, C.PutAttributes(Path, OBJ_CASE_INSENSITIVE, Root), 0, Class, Options, Disposition);
    }
    HANDLE MustCreate(ob::Name Path, HANDLE Root = nullptr, u32 Options = 0)
    {
        EXPECT_NT(STATUS_SUCCESS, Create(Path, Root, Options));
        return C.Handle(Out);
    }
    NTSTATUS Open(ob::Name Path, HANDLE Root = nullptr, ACCESS_MASK Access = KEY_ALL_ACCESS)
    {
        return C.Call(Service::OpenKey, Out, Access, C.PutAttributes(Path, OBJ_CASE_INSENSITIVE, Root));
    }
    NTSTATUS SetValue(HANDLE Key, ob::Name Name, u32 Type, const void* Data, u32 Bytes)
    {
        return C.Call(Service::SetValueKey, Key, C.PutString(Name), 0, Type, C.PutBytes(Data, Bytes), Bytes);
    }
    NTSTATUS SetNumber(HANDLE Key, ob::Name Name, u32 Number) { return SetValue(Key, Name, REG_DWORD, &Number, 4); }
    NTSTATUS QueryPartial(HANDLE Key, ob::Name Name, u32 Bytes = 4096)
    {
        return C.Call(Service::QueryValueKey, Key, C.PutString(Name), KeyValuePartialInformation, Buffer, Bytes, Length);
    }
    u32 Number(HANDLE Key, ob::Name Name)
    {
        EXPECT_NT(STATUS_SUCCESS, QueryPartial(Key, Name));
        return C.Get<u32>(Buffer + sizeof(KEY_VALUE_PARTIAL_INFORMATION));
    }
    u32 Told() { return C.Get<u32>(Length); }
    std::u16string Text(u64 At, u32 Bytes)
    {
        std::u16string S(Bytes / 2, 0);
        C.Read(At, S.data(), Bytes);
        return S;
    }
    // The name of the Index-th subkey; empty at the end.
    std::u16string Child(HANDLE Key, u32 Index)
    {
        if (C.Call(Service::EnumerateKey, Key, Index, KeyBasicInformation, Buffer, 4096, Length) != STATUS_SUCCESS)
            return {};
        return Text(Buffer + sizeof(KEY_BASIC_INFORMATION), C.Get<KEY_BASIC_INFORMATION>(Buffer).NameLength);
    }
    void TearDown() override
    {
        C.Forget();
        Out = C.Room(8), Disposition = C.Room(8), Length = C.Room(8), Buffer = C.Room(4096);
        if (Open(L"\\Registry\\Machine\\Software\\Test") == STATUS_SUCCESS)
            DeleteTree(C.Handle(Out));
    }
    void DeleteTree(HANDLE Key)
    {
        for (;;) {
            std::u16string Name = Child(Key, 0);
            if (Name.empty())
                break;
            u64 Path = C.PutAttributes({ reinterpret_cast<const wchar_t*>(Name.data()), Name.size() }, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, Key);
            ASSERT_NT(STATUS_SUCCESS, C.Call(Service::OpenKey, Out, KEY_ALL_ACCESS, Path));
            DeleteTree(C.Handle(Out));
        }
        ASSERT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Key));
        ASSERT_NT(STATUS_SUCCESS, C.Close(Key));
    }
};

}
