// The readable description of the registry; its format is told in cm.hpp.
#include <string.h>

#include "ntos/cm/cm.hpp"
#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"

namespace cm {

namespace {

// Reads the text character by character, decoding UTF-8. A failing step says why in What.
class Reader {
public:
    Reader(const char* Text, usize Size) : At_(Text), End_(Text + Size)
    {
        if (Size >= 3 && memcmp(Text, "\xEF\xBB\xBF", 3) == 0)
            At_ += 3;
    }
    u32 Line = 1;
    const char* What = nullptr;

    bool AtEnd() const { return At_ == End_; }
    char Peek() const { return At_ < End_ ? *At_ : '\n'; }
    bool Take(char C)
    {
        if (AtEnd() || *At_ != C)
            return false;
        Skip();
        return true;
    }
    bool Take(const char* Word)
    {
        usize N = strlen(Word);
        if (usize(End_ - At_) < N || memcmp(At_, Word, N) != 0)
            return false;
        At_ += N;
        return true;
    }
    void Skip()
    {
        if (*At_++ == '\n')
            ++Line;
    }
    void Blanks()
    {
        while (!AtEnd() && (*At_ == ' ' || *At_ == '\t' || *At_ == '\r'))
            ++At_;
    }
    void RestOfLine()
    {
        while (!AtEnd() && *At_ != '\n')
            ++At_;
        if (!AtEnd())
            Skip();
    }
    // Nothing but blanks or a comment may come before the end of the line.
    Status LineEnds()
    {
        Blanks();
        if (AtEnd() || *At_ == '\n' || *At_ == ';') {
            RestOfLine();
            return STATUS_SUCCESS;
        }
        return Fail("there is something after the end of the entry");
    }
    Status Fail(const char* Why)
    {
        What = Why;
        return STATUS_INVALID_PARAMETER;
    }
    // One character of a text on one line, as UTF-16.
    Status Character(Vector<wchar_t>& To);
    // "text", with \" and \\ inside.
    Status Quoted(Vector<wchar_t>& To);
    Result<u64> Hex(u32 MaximumDigits);
    // Hexadecimal bytes separated by commas, over several lines if they end in a backslash.
    Status Bytes(Vector<u8>& To);

private:
    const char* At_;
    const char* End_;
};

Status Reader::Character(Vector<wchar_t>& To)
{
    u8 First = u8(*At_);
    if (First < 0x80) {
        if (First == '\n' || First == '\r' || First == 0)
            return Fail("the line ends within a text");
        ++At_;
        return To.Push(wchar_t(First));
    }
    u32 More = First >= 0xF0 && First < 0xF5 ? 3 : First >= 0xE0 && First < 0xF0 ? 2 : First >= 0xC2 && First < 0xE0 ? 1 : 0;
    if (!More || usize(End_ - At_) <= More)
        return Fail("this is not UTF-8");
    u32 Code = First & (0x3F >> More);
    for (u32 I = 1; I <= More; ++I) {
        if ((u8(At_[I]) & 0xC0) != 0x80)
            return Fail("this is not UTF-8");
        Code = Code << 6 | (u8(At_[I]) & 0x3F);
    }
    if (Code > 0x10FFFF || (Code >= 0xD800 && Code < 0xE000) || (More == 2 && Code < 0x800) || (More == 3 && Code < 0x10000))
        return Fail("this is not UTF-8");
    At_ += More + 1;
    if (Code < 0x10000)
        return To.Push(wchar_t(Code));
    TRY(To.Push(wchar_t(0xD800 + ((Code - 0x10000) >> 10))));
    return To.Push(wchar_t(0xDC00 + ((Code - 0x10000) & 0x3FF)));
}

Status Reader::Quoted(Vector<wchar_t>& To)
{
    if (!Take('"'))
        return Fail("a text in quotes is expected here");
    for (;;) {
        if (AtEnd())
            return Fail("the line ends within a text");
        if (Take('"'))
            return STATUS_SUCCESS;
        if (*At_ == '\\') {
            ++At_;
            if (AtEnd() || (*At_ != '\\' && *At_ != '"'))
                return Fail("a backslash in a text is written twice");
        }
        TRY(Character(To));
    }
}

Result<u64> Reader::Hex(u32 MaximumDigits)
{
    u64 Value = 0;
    u32 Digits = 0;
    for (; !AtEnd(); ++At_, ++Digits) {
        char C = *At_;
        u32 D = C >= '0' && C <= '9' ? u32(C - '0') : C >= 'a' && C <= 'f' ? u32(C - 'a' + 10) : C >= 'A' && C <= 'F' ? u32(C - 'A' + 10) : 16;
        if (D == 16)
            break;
        if (Digits == MaximumDigits)
            return Fail("the number has too many digits");
        Value = Value << 4 | D;
    }
    if (!Digits)
        return Fail("a hexadecimal number is expected here");
    return Value;
}

Status Reader::Bytes(Vector<u8>& To)
{
    Blanks();
    if (AtEnd() || *At_ == '\n' || *At_ == ';')
        return STATUS_SUCCESS;          // no bytes
    for (;;) {
        Blanks();
        if (Take('\\')) {
            Blanks();
            if (!Take('\n'))
                return Fail("a backslash here must end the line");
            continue;
        }
        TRY(To.Push(u8(TRY(Hex(2)))));
        Blanks();
        if (!Take(','))
            return STATUS_SUCCESS;
    }
}

constexpr struct {
    const char* Word;
    const wchar_t* Path;
} Roots[] = {
    { "HKEY_LOCAL_MACHINE", L"\\Registry\\Machine" },
    { "HKEY_USERS", L"\\Registry\\User" },
    { "HKEY_CLASSES_ROOT", L"\\Registry\\Machine\\Software\\Classes" },
    { "HKEY_CURRENT_CONFIG", L"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current" },
};

Status Append(Vector<wchar_t>& To, ob::Name Text)
{
    for (usize I = 0; I < Text.Length; ++I)
        TRY(To.Push(Text.Data[I]));
    return STATUS_SUCCESS;
}

Status ReadKeyLine(Reader& R, RefPtr<Node>& Current)
{
    Vector<wchar_t> Path;
    bool Known = R.Peek() == '\\';
    for (const auto& Root : Roots) {
        if (Known || !R.Take(Root.Word))
            continue;
        usize N = 0;
        while (Root.Path[N])
            ++N;
        TRY(Append(Path, { Root.Path, N }));
        Known = true;
    }
    if (!Known && R.Take("HKEY_CURRENT_USER")) {
        TRY(Append(Path, L"\\Registry\\User\\"));
        TRY(Append(Path, TRY(UserSidText()).View()));
        Known = true;
    }
    if (!Known)
        return R.Fail("a key begins with HKEY_LOCAL_MACHINE, HKEY_USERS, HKEY_CURRENT_USER, HKEY_CLASSES_ROOT, HKEY_CURRENT_CONFIG or \\Registry");
    if (R.Peek() != ']' && R.Peek() != '\\')
        return R.Fail("there is no root key of this name");
    // A name may hold brackets: the last one of the line ends it.
    Vector<wchar_t> Rest;
    usize End = 0;
    bool Ended = false;
    while (!R.AtEnd() && R.Peek() != '\n' && R.Peek() != '\r') {
        if (R.Peek() == ']') {
            End = Rest.Size();
            Ended = true;
        }
        TRY(R.Character(Rest));
    }
    if (!Ended)
        return R.Fail("the key's line does not end in ]");
    bool Comment = false;
    for (usize I = End + 1; I < Rest.Size(); ++I) {
        Comment |= Rest[I] == L';';
        if (!Comment && Rest[I] != L' ' && Rest[I] != L'\t')
            return R.Fail("there is something after the ]");
    }
    TRY(Append(Path, { Rest.Data(), End }));
    Result<Ref<Node>> Opened = OpenNode({ Path.Data(), Path.Size() }, true);
    if (!Opened.Ok())
        return Opened.GetStatus().Code() == STATUS_INVALID_PARAMETER || Opened.Code() == STATUS_OBJECT_PATH_SYNTAX_BAD
                   ? R.Fail("the key's name is empty, longer than 256 characters or too deep") : Opened.GetStatus();
    Current = RefPtr<Node>(Opened.Take());
    return R.LineEnds();
}

Status PutText(Vector<u8>& To, const Vector<wchar_t>& Text)
{
    usize Before = To.Size(), Bytes = Text.Size() * sizeof(wchar_t);
    TRY(To.Resize(Before + Bytes + sizeof(wchar_t)));
    if (Bytes)
        memcpy(To.Data() + Before, Text.Data(), Bytes);
    return STATUS_SUCCESS;              // the terminator is there: new elements are zero
}

template <typename T> Status PutNumber(Vector<u8>& To, T Number)
{
    TRY(To.Resize(sizeof(T)));
    memcpy(To.Data(), &Number, sizeof(T));
    return STATUS_SUCCESS;
}

Status ReadValueLine(Reader& R, RefPtr<Node>& Current)
{
    if (!Current)
        return R.Fail("a value comes before the first key");
    Vector<wchar_t> Name, Text;
    Vector<u8> Data;
    u32 Type = REG_NONE;
    if (!R.Take('@'))
        TRY(R.Quoted(Name));
    R.Blanks();
    if (!R.Take('='))
        return R.Fail("= is expected after the value's name");
    R.Blanks();
    UpperName Upper;
    ob::Name Value { Name.Data(), Name.Size() };
    if (Name.Size() > MaximumValueName)
        return R.Fail("the value's name is longer than 16383 characters");
    TRY(Upper.Set(Value));
    if (R.Take('-')) {
        if (Status S = Current->DeleteValue(Upper); !S.Ok() && S != STATUS_OBJECT_NAME_NOT_FOUND)
            return S;
        return R.LineEnds();
    }
    if (bool Expand = R.Take("expand:"); Expand || R.Peek() == '"') {
        Type = Expand ? REG_EXPAND_SZ : REG_SZ;
        TRY(R.Quoted(Text));
        TRY(PutText(Data, Text));
    } else if (R.Take("multi:")) {
        Type = REG_MULTI_SZ;
        do {
            R.Blanks();
            if (Data.IsEmpty() && R.Peek() != '"')
                break;                  // none at all
            Text.Clear();
            TRY(R.Quoted(Text));
            if (Text.IsEmpty())
                return R.Fail("a text of a list may not be empty");
            TRY(PutText(Data, Text));
            R.Blanks();
        } while (R.Take(','));
        TRY(PutText(Data, {}));
    } else if (R.Take("dword:")) {
        Type = REG_DWORD;
        TRY(PutNumber(Data, u32(TRY(R.Hex(8)))));
    } else if (R.Take("qword:")) {
        Type = REG_QWORD;
        TRY(PutNumber(Data, TRY(R.Hex(16))));
    } else if (R.Take("hex")) {
        Type = REG_BINARY;
        if (R.Take('(')) {
            Type = u32(TRY(R.Hex(8)));
            if (!R.Take(')'))
                return R.Fail(") is expected after the type");
        }
        if (!R.Take(':'))
            return R.Fail(": is expected after hex");
        TRY(R.Bytes(Data));
    } else {
        return R.Fail("a value is \"text\", expand:, multi:, dword:, qword:, hex: or -");
    }
    TRY(Current->SetValue(Value, Upper, Type, std::move(Data)));
    return R.LineEnds();
}

Status ReadAll(Reader& R)
{
    RefPtr<Node> Current;
    bool First = true;
    while (!R.AtEnd()) {
        R.Blanks();
        char C = R.Peek();
        if (R.AtEnd() || C == '\n' || C == ';') {
            R.RestOfLine();
            continue;
        }
        if (First && (R.Take("REGEDIT4") || R.Take("Windows Registry Editor")))
            R.RestOfLine();
        else if (R.Take('['))
            TRY(ReadKeyLine(R, Current));
        else if (C == '"' || C == '@')
            TRY(ReadValueLine(R, Current));
        else
            return R.Fail("a line is a [key], a value, or a ; comment");
        First = false;
    }
    return STATUS_SUCCESS;
}

}

static u64 Seed = 0xCBF29CE484222325;           // FNV-1a

u64 SeedNumber() { return Seed; }

Status LoadSeed(const char* Text, usize Size, SeedError* Error)
{
    Reader R(Text, Size);
    for (usize I = 0; I < Size; ++I)
        Seed = (Seed ^ u8(Text[I])) * 0x100000001B3;
    Node::Seeding = true;
    Status S = ReadAll(R);
    Node::Seeding = false;
    if (!S.Ok()) {
        if (!R.What)
            R.What = "the registry could not take it";
        ex::Log("registry description, line %u: %s (0x%x)\n", R.Line, R.What, u32(S.Code()));
        if (Error)
            *Error = { R.Line, R.What };
    }
    return S;
}

}
