// Between trees of nodes and hives: reading one into the other, whole.
#include <string.h>

#include "ntos/cm/hive/hive.hpp"

namespace cm {

namespace {

ob::Name NameOf(const Vector<wchar_t>& Text) { return { Text.Data(), Text.Size() }; }

Status ReadValues(Node& N, const regf::Hive& From, u32 Cell, bool Kept)
{
    Vector<u32> Values;
    TRY(From.Values(Cell, Values));
    for (u32 V : Values) {
        regf::ValueInfo Info = TRY(From.Value(V));
        UpperName Upper;
        Vector<u8> Data;
        TRY(Upper.Set(NameOf(Info.Name)));
        TRY(From.Data(V, Data));
        TRY(N.SetValue(NameOf(Info.Name), Upper, Info.Type, std::move(Data)));
        if (Kept)
            N.FindValue(Upper)->Cell = V;
    }
    return STATUS_SUCCESS;
}

Result<Own<se::SecurityDescriptor>> ReadDescriptor(const regf::Hive& From, u32 Security)
{
    std::span<const u8> Bytes = From.Descriptor(Security);
    Vector<u8> Copy;
    TRY(Copy.Resize(Bytes.size()));
    memcpy(Copy.Data(), Bytes.data(), Bytes.size());
    return se::SecurityDescriptor::Adopt(std::move(Copy));
}

}

Status Populate(Node& At, const regf::Hive& From, u32 Cell, Hive* Owner, Vector<Ref<Node>>* Existing)
{
    struct Step {
        Ref<Node> N;
        u32 Cell, Above;                // its key, the security cell of its parent
    };
    Vector<Step> ToDo;
    Vector<u32> Keys;
    TRY(ToDo.Push(Step { Ref<Node>(At), Cell, NoCell }));
    while (!ToDo.IsEmpty()) {
        Step Now = std::move(ToDo.Last());
        ToDo.Pop();
        Node& N = *Now.N;
        regf::KeyInfo Info = TRY(From.Key(Now.Cell));
        N.Class = TRY(ob::String::Copy(NameOf(Info.Class)));
        N.IsLink = Info.Flags & regf::KeyIsLink;
        if (Info.Security != Now.Above)
            N.SetFirstSecurity(TRY(ReadDescriptor(From, Info.Security)));
        if (Owner) {
            N.Keeper = Owner;
            N.Cell = Now.Cell;
        }
        TRY(ReadValues(N, From, Now.Cell, Owner));
        TRY(From.Subkeys(Now.Cell, Keys));
        for (u32 Key : Keys) {
            regf::KeyInfo Child = TRY(From.Key(Key));
            UpperName Upper;
            TRY(Upper.Set(NameOf(Child.Name)));
            if (Node* Has = N.Find(Upper)) {
                if (Has->Volatile)
                    continue;
                if (Existing)
                    TRY(Existing->Push(*Has));
                TRY(ToDo.Push(Step { Ref<Node>(*Has), Key, Info.Security }));
                continue;
            }
            Ref<Node> New = TRY(Node::Create(N, NameOf(Child.Name), {}, N.Volatile));
            TRY(ToDo.Push(Step { std::move(New), Key, Info.Security }));
        }
        N.LastWrite = Info.LastWrite;
    }
    return STATUS_SUCCESS;
}

static regf::Text TextOf(ob::Name Name) { return { Name.Data, Name.Length }; }

Status Export(const Node& Top, regf::Hive& To)
{
    struct Step {
        const Node* N;
        u32 Cell;
    };
    auto DescriptorOf = [](const Node& N) { return N.Security() ? N.Security()->Bytes() : std::span<const u8>(); };
    Vector<Step> ToDo;
    TRY(To.Create(TextOf(Top.Name()), DescriptorOf(Top)));
    TRY(To.SetClass(To.Root(), TextOf(Top.Class.View())));
    TRY(ToDo.Push(Step { &Top, To.Root() }));
    while (!ToDo.IsEmpty()) {
        Step Now = ToDo.Last();
        ToDo.Pop();
        const Node& N = *Now.N;
        Vector<u32> Values;
        for (usize I = 0; I < N.ValueCount(); ++I) {
            const Value& V = N.ValueAt(I);
            TRY(Values.Push(TRY(To.NewValue(TextOf(V.Name.View()), V.Type, V.Data.Span()))));
        }
        TRY(To.SetValues(Now.Cell, Values.Span()));
        To.SetTimeAndFlags(Now.Cell, N.LastWrite, N.IsLink ? regf::KeyIsLink : 0);
        for (usize I = 0; I < N.ChildCount(); ++I) {
            const Node& Child = *N.Child(I);
            if (Child.Volatile)
                continue;
            u32 Key = TRY(To.NewKey(Now.Cell, TextOf(Child.Name()), TextOf(Child.Class.View()), DescriptorOf(Child)));
            TRY(To.Link(Now.Cell, Key));
            TRY(ToDo.Push(Step { &Child, Key }));
        }
    }
    return STATUS_SUCCESS;
}

Result<bool> IsInUse(Node& Top, bool WithTop)
{
    Vector<Node*> ToDo;
    TRY(ToDo.Push(&Top));
    while (!ToDo.IsEmpty()) {
        Node& N = *ToDo.Last();
        ToDo.Pop();
        if ((WithTop || &N != &Top) && N.References() > (&N == &Top ? 2u : 1u))         // its parent's, and the hive's of the top
            return true;
        for (usize I = 0; I < N.ChildCount(); ++I)
            TRY(ToDo.Push(N.Child(I)));
    }
    return false;
}

void DeleteBelow(Node& Top)
{
    for (Node* N = &Top;;) {
        if (N->ChildCount()) {
            N = N->Child(N->ChildCount() - 1);
            continue;
        }
        if (N == &Top)
            return;
        Node* Above = N->Parent();
        N->Fixed = false;
        N->Keeper = nullptr;
        N->Delete().Ignore();           // it has no children and may be deleted
        N = Above;
    }
}

}
