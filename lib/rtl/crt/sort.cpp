// Sorting and searching. qsort orders equal elements as Windows' does for up to eight elements (a selection sort that
// moves the greatest to the end); beyond that it is a quicksort that falls back to heapsort, so never quadratic.
#include "lib/rtl/crt/crt.hpp"

namespace {

using ContextCompare = int (*)(void*, const void*, const void*);

struct Sorter {
    usize Size;
    ContextCompare Compare;
    void* Context;

    bool Less(const u8* A, const u8* B) const { return Compare(Context, A, B) < 0; }
    void Swap(u8* A, u8* B) const
    {
        if (A == B)
            return;
        usize I = 0;
        for (; Size - I >= 8; I += 8) {
            u64 X, Y;
            __builtin_memcpy(&X, A + I, 8);
            __builtin_memcpy(&Y, B + I, 8);
            __builtin_memcpy(A + I, &Y, 8);
            __builtin_memcpy(B + I, &X, 8);
        }
        for (; I < Size; ++I) {
            u8 X = A[I];
            A[I] = B[I];
            B[I] = X;
        }
    }
    void Select(u8* Base, usize Count) const
    {
        for (; Count > 1; --Count) {
            u8* Greatest = Base;
            for (usize I = 1; I < Count; ++I)
                if (Less(Greatest, Base + I * Size))
                    Greatest = Base + I * Size;
            Swap(Greatest, Base + (Count - 1) * Size);
        }
    }
    void Sift(u8* Base, usize Root, usize Count) const
    {
        for (usize Child; (Child = Root * 2 + 1) < Count; Root = Child) {
            if (Child + 1 < Count && Less(Base + Child * Size, Base + (Child + 1) * Size))
                ++Child;
            if (!Less(Base + Root * Size, Base + Child * Size))
                return;
            Swap(Base + Root * Size, Base + Child * Size);
        }
    }
    void Heap(u8* Base, usize Count) const
    {
        for (usize I = Count / 2; I-- > 0;)
            Sift(Base, I, Count);
        for (usize I = Count; I-- > 1;) {
            Swap(Base, Base + I * Size);
            Sift(Base, 0, I);
        }
    }
    // Puts a median of three first and returns where it ends up: smaller ones before, greater ones behind.
    usize Partition(u8* Base, usize Count) const
    {
        u8 *First = Base, *Middle = Base + Count / 2 * Size, *Last = Base + (Count - 1) * Size;
        if (Less(Middle, First))
            Swap(Middle, First);
        if (Less(Last, Middle)) {
            Swap(Last, Middle);
            if (Less(Middle, First))
                Swap(Middle, First);
        }
        Swap(First, Middle);
        usize I = 0, J = Count;
        for (;;) {
            do
                ++I;
            while (I < Count && Less(Base + I * Size, First));
            do
                --J;
            while (J > 0 && Less(First, Base + J * Size));
            if (I >= J)
                break;
            Swap(Base + I * Size, Base + J * Size);
        }
        Swap(First, Base + J * Size);
        return J;
    }
    void Sort(u8* Base, usize Count) const
    {
        struct {
            u8* Base;
            usize Count;
            u32 Rounds;
        } Stack[64];
        u32 Depth = 0, Rounds = 2 * (64 - __builtin_clzll(Count | 1));
        for (;;) {
            while (Count > 8 && Rounds) {
                --Rounds;
                usize At = Partition(Base, Count), Behind = Count - At - 1;
                // The longer part waits, so that the stack stays logarithmic.
                if (At < Behind) {
                    Stack[Depth++] = { Base + (At + 1) * Size, Behind, Rounds };
                    Count = At;
                } else {
                    Stack[Depth++] = { Base, At, Rounds };
                    Base += (At + 1) * Size;
                    Count = Behind;
                }
            }
            if (Count > 8)
                Heap(Base, Count);
            else
                Select(Base, Count);
            if (!Depth)
                return;
            --Depth;
            Base = Stack[Depth].Base;
            Count = Stack[Depth].Count;
            Rounds = Stack[Depth].Rounds;
        }
    }
};

using PlainCompare = int (*)(const void*, const void*);
int CallPlain(void* Function, const void* A, const void* B) { return reinterpret_cast<PlainCompare>(Function)(A, B); }

}

extern "C" {

void CRT(qsort_s)(void* Base, usize Count, usize Size, int (*Compare)(void*, const void*, const void*), void* Context)
{
    if (Count > 1 && Size)
        Sorter { Size, Compare, Context }.Sort(static_cast<u8*>(Base), Count);
}
void CRT(qsort)(void* Base, usize Count, usize Size, int (*Compare)(const void*, const void*))
{
    CRT(qsort_s)(Base, Count, Size, CallPlain, reinterpret_cast<void*>(Compare));
}

void* CRT(bsearch_s)(const void* Key, const void* Base, usize Count, usize Size, int (*Compare)(void*, const void*, const void*), void* Context)
{
    auto* Low = static_cast<const u8*>(Base);
    while (Count) {
        const u8* Middle = Low + Count / 2 * Size;
        int Order = Compare(Context, Key, Middle);
        if (Order == 0)
            return const_cast<u8*>(Middle);
        if (Order > 0) {
            Low = Middle + Size;
            Count -= Count / 2 + 1;
        } else {
            Count /= 2;
        }
    }
    return nullptr;
}
void* CRT(bsearch)(const void* Key, const void* Base, usize Count, usize Size, int (*Compare)(const void*, const void*))
{
    return CRT(bsearch_s)(Key, Base, Count, Size, CallPlain, reinterpret_cast<void*>(Compare));
}
void* CRT(_lfind)(const void* Key, const void* Base, u32* Count, u32 Size, int (*Compare)(const void*, const void*))
{
    auto* At = static_cast<const u8*>(Base);
    for (u32 I = 0; I < *Count; ++I, At += Size)
        if (Compare(Key, At) == 0)
            return const_cast<u8*>(At);
    return nullptr;
}

}
