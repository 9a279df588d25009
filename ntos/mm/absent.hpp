// Pages of client memory that are not there: what the Executive's own accesses leave to be done (docs/page-fault.md).
#pragma once
#include "ntos/ke/user.hpp"

namespace mm {

// A page that could not be touched with this status: if it is absent, the running service's caller is told (Caller::Attention), with Bytes from there on. Returns the status.
Status Missed(ps::Process& In, u64 Address, u64 Bytes, bool Write, Status Why);
// The same where bytes are to be written: of an absent page they are kept, and the caller goes on when they have been written. Too many: as above. From: null for zeroes.
Status KeepStore(ps::Process& To, u64 Address, const void* From, usize Bytes, usize BytesLeft, Status Why);
// The page at Address was absent (a fault, Touch, or Need said so): waits for it and what follows it up to Bytes. Not for ever: the caller tries again.
ke::Task<> WaitForPages(Ref<ps::Process> In, u64 Address, u64 Bytes);
// A fault at Address, with the pages around it: more if the file is touched in order.
ke::Task<> WaitForFault(Ref<ps::Process> In, u64 Address);

// For the dispatcher: what a service of By's left. Missing: waits for the page it met last, whose error is the status.
ke::Task<> WaitForMissing(ke::Caller& By);
// Kept stores: written when their pages are there. The first failure.
ke::Task<> ApplyStores(ke::Caller& By);
void ForgetAbsence(ke::Caller& By);     // all of it

}
