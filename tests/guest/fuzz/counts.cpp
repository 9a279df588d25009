// What the Executive counts: objects and handles of each type, memory.
#include "tests/guest/fuzz/fuzz.hpp"

namespace fuzz {

// What is free may lie in other places than before: pages of the pool half full, page tables of the Executive's own, which stay. And its tables
// keep the size they once had.
constexpr i64 Pages = 100, Blocks = 16;

void Counts::Take()
{
    Size = 0;
    auto Add = [&](const char* Name, const UNICODE_STRING* Of, i64 Value, i64 Slack = 0) {
        Row& R = Rows[Size++];
        u32 At = 0;
        for (; *Name; ++Name)
            R.Name[At++] = *Name;
        for (u32 I = 0; Of && I < Of->Length / 2u && At < sizeof(R.Name) - 1; ++I)
            R.Name[At++] = Of->Buffer[I] == ' ' ? '_' : char(Of->Buffer[I]);
        R.Name[At] = 0;
        R.Value = Value;
        R.Slack = Slack;
    };
    alignas(8) static u8 Buffer[16384];
    ULONG Length = 0;
    if (NtQueryObject(nullptr, ObjectTypesInformation, Buffer, sizeof(Buffer), &Length) >= 0) {
        u32 Count = *reinterpret_cast<u32*>(Buffer);
        usize At = 8;
        for (u32 I = 0; I < Count && Size + 10 < sizeof(Rows) / sizeof(Rows[0]); ++I) {
            auto& Type = *reinterpret_cast<OBJECT_TYPE_INFORMATION*>(Buffer + At);
            Add("objects.", &Type.TypeName, Type.TotalNumberOfObjects);
            Add("handles.", &Type.TypeName, Type.TotalNumberOfHandles);
            At += AlignUp(sizeof(Type) + Type.TypeName.MaximumLength, 8);
        }
    } else {
        Print("the object types cannot be told\n");
    }
    SYSTEM_PERFORMANCE_INFORMATION Info {};
    NtQuerySystemInformation(SystemPerformanceInformation, &Info, sizeof(Info), nullptr);
    Add("pages.available", nullptr, Info.AvailablePages, Pages);
    Add("pages.committed", nullptr, Info.CommittedPages);
    Add("pages.pool", nullptr, Info.PagedPoolPages, Pages);
    Add("blocks.pool", nullptr, i64(Info.PagedPoolAllocs) - Info.PagedPoolFrees, Blocks);
    Add("kernel_objects", nullptr, i64(Info.NonPagedPoolAllocs) - Info.NonPagedPoolFrees);
    Add("pages.kernel_objects", nullptr, Info.NonPagedPoolPages, Pages);
    Add("capability_slots.free", nullptr, Info.FreeSystemPtes, Pages);
}

u32 Counts::Compare(const Counts& Before, const Counts& After, bool All)
{
    u32 Wrong = 0;
    for (u32 I = 0; I < After.Size; ++I) {
        const Row& Now = After.Rows[I];
        i64 Was = 0;
        for (u32 J = 0; J < Before.Size; ++J) {
            bool Same = true;
            for (u32 C = 0; Same && (Now.Name[C] || Before.Rows[J].Name[C]); ++C)
                Same = Now.Name[C] == Before.Rows[J].Name[C];
            if (Same)
                Was = Before.Rows[J].Value;
        }
        i64 Difference = Now.Value - Was;
        bool Bad = Difference > Now.Slack || Difference < -Now.Slack;
        Wrong += Bad;
        if (All || Bad)
            Print("count %s %d %d%s\n", Now.Name, int(Was), int(Now.Value), Bad ? " MISMATCH" : "");
    }
    return Wrong;
}

}
