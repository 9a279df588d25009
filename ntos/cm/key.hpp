// A Key is one open of a node: the object behind a handle.
#pragma once
#include "ntos/cm/node.hpp"
#include "ntos/cm/notify.hpp"

namespace cm {

// What NtCreateKey and NtOpenKey ask of Key::Parse; reaches it as ob::OpenRequest::Extra.
struct OpenKeyRequest {
    bool Create = false;
    u32 Options = 0;                    // REG_OPTION_*
    ob::Name Class;
    // Answers.
    ACCESS_MASK Granted = 0;
    u32 Disposition = REG_OPENED_EXISTING_KEY;
};

class Key final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    explicit Key(Ref<Node> Of) : Object(Type), Of_(std::move(Of)) { }
    Node& Of() const { return *Of_; }
    Result<ob::ParseResult> Parse(ob::OpenRequest& Request, ob::Name Rest) override;
    Result<ob::String> QueryName() override;
    void HandleClosed(ps::Process&, u32 HandlesLeft, u32) override;
    const se::SecurityDescriptor* Security() const override { return Of_->Security(); }
    void SetSecurity(Own<se::SecurityDescriptor> Descriptor) override;
    Own<Watch> Watching;
    u32 HandleTags = 0;

private:
    Ref<Node> Of_;
};

// The node of a handle, alive. STATUS_KEY_DELETED.
Result<Ref<Key>> ReferenceKey(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access);

// A value's name taken from a caller: as it came and in upper case. STATUS_INVALID_PARAMETER: odd; STATUS_OBJECT_NAME_NOT_FOUND: too long.
class CapturedName {
public:
    Status Capture(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> From);
    ob::Name View() const { return { Many_.IsEmpty() ? Few_ : Many_.Data(), Length_ }; }
    const UpperName& Upper() const { return Upper_; }

private:
    wchar_t Few_[64];
    Vector<wchar_t> Many_;
    usize Length_ = 0;
    UpperName Upper_;
};

// For the Executive itself: the node of an absolute path (\Registry\...), links followed; made, with its parents, if Create.
Result<Ref<Node>> OpenNode(ob::Name Path, bool Create);
// The user's SID as text, the name of his key below \Registry\User.
Result<ob::String> UserSidText();
extern Node* Root;

}
