// Certificate chains: with no trusted root there is nothing to build on, so a chain is the certificate alone and never
// trusted: an untrusted root if it issued itself, a partial chain otherwise.
#include "win32/crypt32/store.hpp"

using namespace crypt32;

namespace {

struct Chain {
    CERT_CHAIN_CONTEXT Context; // first
    volatile LONG References;
    CERT_SIMPLE_CHAIN Simple;
    CERT_SIMPLE_CHAIN* SimpleList[1];
    CERT_CHAIN_ELEMENT Element;
    CERT_CHAIN_ELEMENT* ElementList[1];
};

Chain* FromChain(PCCERT_CHAIN_CONTEXT Context) { return reinterpret_cast<Chain*>(const_cast<CERT_CHAIN_CONTEXT*>(Context)); }

}

EXPORT BOOL WINAPI CertCreateCertificateChainEngine(PCERT_CHAIN_ENGINE_CONFIG, HCERTCHAINENGINE* Out)
{
    *Out = HCERTCHAINENGINE(win::Allocate(8));
    return *Out || win::Fail(DWORD(E_OUTOFMEMORY));
}
EXPORT void WINAPI CertFreeCertificateChainEngine(HCERTCHAINENGINE Engine)
{
    if (ULONG_PTR(Engine) > 3) { // 0…3 are the standard engines
        win::Free(reinterpret_cast<void*>(Engine));
    }
}

EXPORT BOOL WINAPI CertGetCertificateChain(HCERTCHAINENGINE, PCCERT_CONTEXT Context, LPFILETIME When, HCERTSTORE,
                                           PCERT_CHAIN_PARA Parameters, DWORD, LPVOID, PCCERT_CHAIN_CONTEXT* Out)
{
    if (!Context || !Parameters) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    auto C = static_cast<Chain*>(win::Allocate(sizeof(Chain)));
    if (!C) {
        return win::Fail(DWORD(E_OUTOFMEMORY));
    }
    bool Self = SelfIssued(*From(Context));
    DWORD Error = Self ? CERT_TRUST_IS_UNTRUSTED_ROOT : CERT_TRUST_IS_PARTIAL_CHAIN;
    Error |= CertVerifyTimeValidity(When, Context->pCertInfo) ? CERT_TRUST_IS_NOT_TIME_VALID : 0;
    CERT_TRUST_STATUS Status = { Error, Self ? CERT_TRUST_IS_SELF_SIGNED | CERT_TRUST_HAS_NAME_MATCH_ISSUER : 0u };
    C->References = 1;
    C->Element.cbSize = sizeof(C->Element);
    C->Element.pCertContext = CertDuplicateCertificateContext(Context);
    C->Element.TrustStatus = Status;
    C->ElementList[0] = &C->Element;
    C->Simple.cbSize = sizeof(C->Simple);
    C->Simple.TrustStatus = Status;
    C->Simple.cElement = 1;
    C->Simple.rgpElement = C->ElementList;
    C->SimpleList[0] = &C->Simple;
    C->Context.cbSize = sizeof(C->Context);
    C->Context.TrustStatus = Status;
    C->Context.cChain = 1;
    C->Context.rgpChain = C->SimpleList;
    if (Out) {
        *Out = &C->Context;
    } else {
        CertFreeCertificateChain(&C->Context);
    }
    return TRUE;
}
EXPORT PCCERT_CHAIN_CONTEXT WINAPI CertDuplicateCertificateChain(PCCERT_CHAIN_CONTEXT Context)
{
    if (Context) {
        InterlockedIncrement(&FromChain(Context)->References);
    }
    return Context;
}
EXPORT void WINAPI CertFreeCertificateChain(PCCERT_CHAIN_CONTEXT Context)
{
    Chain* C = FromChain(Context);
    if (C && InterlockedDecrement(&C->References) == 0) {
        CertFreeCertificateContext(C->Element.pCertContext);
        win::Free(C);
    }
}

EXPORT BOOL WINAPI CertVerifyCertificateChainPolicy(LPCSTR Policy, PCCERT_CHAIN_CONTEXT Context, PCERT_CHAIN_POLICY_PARA,
                                                    PCERT_CHAIN_POLICY_STATUS Status)
{
    if (ULONG_PTR(Policy) < 1 || ULONG_PTR(Policy) > 12) {
        return win::Fail(ERROR_FILE_NOT_FOUND);
    }
    if (!Context || !Status) {
        return win::Fail(DWORD(E_INVALIDARG));
    }
    DWORD Errors = Context->TrustStatus.dwErrorStatus;
    Status->lChainIndex = 0;
    Status->lElementIndex = 0;
    Status->dwError = Errors & CERT_TRUST_IS_UNTRUSTED_ROOT   ? DWORD(CERT_E_UNTRUSTEDROOT)
                      : Errors & CERT_TRUST_IS_PARTIAL_CHAIN  ? DWORD(CERT_E_CHAINING)
                      : Errors & CERT_TRUST_IS_NOT_TIME_VALID ? DWORD(CERT_E_EXPIRED)
                                                              : 0;
    return TRUE;
}
