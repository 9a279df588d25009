// bcryptprimitives, bcrypt and crypt32 through their exported functions.
#include "tests/guest/win32/tap.hpp"

#include <bcrypt.h>
#include <wincrypt.h>

extern "C" BOOL WINAPI ProcessPrng(PBYTE Data, SIZE_T Size);
extern "C" BOOLEAN WINAPI SystemFunction036(PVOID Data, ULONG Size);

namespace {

bool Same(const void* A, const void* B, size_t Size)
{
    for (size_t i = 0; i < Size; ++i) {
        if (static_cast<const BYTE*>(A)[i] != static_cast<const BYTE*>(B)[i]) {
            return false;
        }
    }
    return true;
}

void Random()
{
    BYTE Pool[4][32] = {};
    CHECK(ProcessPrng(Pool[0], 32));
    CHECK(ProcessPrng(Pool[1], 32));
    CHECK_EQ(BCryptGenRandom(nullptr, Pool[2], 32, BCRYPT_USE_SYSTEM_PREFERRED_RNG), STATUS_SUCCESS);
    CHECK(SystemFunction036(Pool[3], 32));
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < i; ++j) {
            CHECK(!Same(Pool[i], Pool[j], 32));
        }
    }
    // Every value turns up about as often as it should.
    static BYTE Many[65536];
    static unsigned Counts[256];
    CHECK(ProcessPrng(Many, sizeof(Many)));
    for (BYTE B : Many) {
        ++Counts[B];
    }
    bool Even = true;
    for (unsigned Count : Counts) {
        Even = Even && Count > 160 && Count < 360;
    }
    CHECK(Even);
    CHECK_EQ(BCryptGenRandom(nullptr, Pool[0], 32, 0), STATUS_INVALID_HANDLE);
}

void Hashes()
{
    BCRYPT_ALG_HANDLE Algorithm;
    CHECK_EQ(BCryptOpenAlgorithmProvider(&Algorithm, BCRYPT_SHA256_ALGORITHM, nullptr, 0), STATUS_SUCCESS);
    DWORD Length = 0;
    ULONG Got;
    CHECK_EQ(BCryptGetProperty(Algorithm, BCRYPT_HASH_LENGTH, reinterpret_cast<PUCHAR>(&Length), sizeof(Length), &Got, 0), STATUS_SUCCESS);
    CHECK_EQ(Length, 32u);
    static const BYTE Abc[32] = { 0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23,
                                  0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD };
    BCRYPT_HASH_HANDLE Hash, Copy;
    BYTE Digest[32];
    BYTE Text[] = { 'a', 'b', 'c' };
    CHECK_EQ(BCryptCreateHash(Algorithm, &Hash, nullptr, 0, nullptr, 0, 0), STATUS_SUCCESS);
    CHECK_EQ(BCryptHashData(Hash, Text, 1, 0), STATUS_SUCCESS);
    CHECK_EQ(BCryptDuplicateHash(Hash, &Copy, nullptr, 0, 0), STATUS_SUCCESS);
    BCRYPT_HASH_HANDLE Both[] = { Hash, Copy };
    for (BCRYPT_HASH_HANDLE H : Both) {
        CHECK_EQ(BCryptHashData(H, Text + 1, 2, 0), STATUS_SUCCESS);
        CHECK_EQ(BCryptFinishHash(H, Digest, sizeof(Digest), 0), STATUS_SUCCESS);
        CHECK(Same(Digest, Abc, 32));
        CHECK_EQ(BCryptDestroyHash(H), STATUS_SUCCESS);
    }
    CHECK_EQ(BCryptHash(Algorithm, nullptr, 0, Text, 3, Digest, 32), STATUS_SUCCESS);
    CHECK(Same(Digest, Abc, 32));
    CHECK_EQ(BCryptHash(Algorithm, nullptr, 0, Text, 3, Digest, 31), STATUS_INVALID_PARAMETER);
    CHECK_EQ(BCryptCloseAlgorithmProvider(Algorithm, 0), STATUS_SUCCESS);
    CHECK_EQ(BCryptOpenAlgorithmProvider(&Algorithm, L"NONSENSE", nullptr, 0), STATUS_NOT_FOUND);
    // A pseudo handle: HMAC-SHA1 of RFC 2202, test 2.
    BYTE Key[] = { 'J', 'e', 'f', 'e' };
    static const BYTE Want[20] = { 0xEF, 0xFC, 0xDF, 0x6A, 0xE5, 0xEB, 0x2F, 0xA2, 0xD2, 0x74,
                                   0x16, 0xD5, 0xF1, 0x84, 0xDF, 0x9C, 0x25, 0x9A, 0x7C, 0x79 };
    BYTE Mac[20];
    CHECK_EQ(BCryptHash(BCRYPT_ALG_HANDLE(0xA1), Key, 4, PUCHAR("what do ya want for nothing?"), 28, Mac, 20), STATUS_SUCCESS);
    CHECK(Same(Mac, Want, 20));
}

void Ciphers()
{
    BCRYPT_ALG_HANDLE Aes;
    BCRYPT_KEY_HANDLE Key;
    BYTE Secret[16] = { 0x2B, 0x7E, 0x15, 0x16, 0x28, 0xAE, 0xD2, 0xA6, 0xAB, 0xF7, 0x15, 0x88, 0x09, 0xCF, 0x4F, 0x3C }, Iv[16] = {},
         Out[48], Back[48];
    ULONG Size;
    CHECK_EQ(BCryptOpenAlgorithmProvider(&Aes, BCRYPT_AES_ALGORITHM, nullptr, 0), STATUS_SUCCESS);
    CHECK_EQ(BCryptGenerateSymmetricKey(Aes, &Key, nullptr, 0, Secret, 16, 0), STATUS_SUCCESS);
    BYTE Text[] = "twenty bytes of text";
    CHECK_EQ(BCryptEncrypt(Key, Text, 20, nullptr, Iv, 16, Out, sizeof(Out), &Size, 0), STATUS_INVALID_BUFFER_SIZE);
    CHECK_EQ(BCryptEncrypt(Key, Text, 20, nullptr, Iv, 16, nullptr, 0, &Size, BCRYPT_BLOCK_PADDING), STATUS_SUCCESS);
    CHECK_EQ(Size, 32u);
    CHECK_EQ(BCryptEncrypt(Key, Text, 20, nullptr, Iv, 16, Out, sizeof(Out), &Size, BCRYPT_BLOCK_PADDING), STATUS_SUCCESS);
    for (BYTE& B : Iv) {
        B = 0;
    }
    CHECK_EQ(BCryptDecrypt(Key, Out, 32, nullptr, Iv, 16, Back, sizeof(Back), &Size, BCRYPT_BLOCK_PADDING), STATUS_SUCCESS);
    CHECK(Size == 20 && Same(Back, Text, 20));
    BCryptDestroyKey(Key);

    CHECK_EQ(BCryptSetProperty(Aes, BCRYPT_CHAINING_MODE, PUCHAR(BCRYPT_CHAIN_MODE_GCM), sizeof(BCRYPT_CHAIN_MODE_GCM), 0), STATUS_SUCCESS);
    CHECK_EQ(BCryptGenerateSymmetricKey(Aes, &Key, nullptr, 0, Secret, 16, 0), STATUS_SUCCESS);
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO Info;
    BYTE Nonce[12] = { 1 }, Tag[16];
    BCRYPT_INIT_AUTH_MODE_INFO(Info);
    Info.pbNonce = Nonce;
    Info.cbNonce = 12;
    Info.pbTag = Tag;
    Info.cbTag = 16;
    CHECK_EQ(BCryptEncrypt(Key, Text, 20, &Info, nullptr, 0, Out, sizeof(Out), &Size, 0), STATUS_SUCCESS);
    CHECK_EQ(BCryptDecrypt(Key, Out, 20, &Info, nullptr, 0, Back, sizeof(Back), &Size, 0), STATUS_SUCCESS);
    CHECK(Same(Back, Text, 20));
    Tag[0] ^= 1;
    CHECK_EQ(BCryptDecrypt(Key, Out, 20, &Info, nullptr, 0, Back, sizeof(Back), &Size, 0), NTSTATUS(0xC000A002));
    BCryptDestroyKey(Key);
    BCryptCloseAlgorithmProvider(Aes, 0);
}

void Texts()
{
    static const BYTE Data[] = { 0, 1, 2, 0xFD, 0xFE, 0xFF, 'A' };
    WCHAR Text[128];
    BYTE Back[16];
    DWORD Size = 128;
    CHECK(CryptBinaryToStringW(Data, 7, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, Text, &Size));
    CHECK_TEXT(Text, L"AAEC/f7/QQ==");
    CHECK_EQ(Size, 12u);
    Size = sizeof(Back);
    CHECK(CryptStringToBinaryW(Text, 0, CRYPT_STRING_BASE64, Back, &Size, nullptr, nullptr));
    CHECK(Size == 7 && Same(Back, Data, 7));
    Size = 128;
    CHECK(CryptBinaryToStringW(Data, 7, CRYPT_STRING_BASE64HEADER, Text, &Size));
    CHECK_TEXT(Text, L"-----BEGIN CERTIFICATE-----\r\nAAEC/f7/QQ==\r\n-----END CERTIFICATE-----\r\n");
    DWORD Kind = 0;
    Size = sizeof(Back);
    CHECK(CryptStringToBinaryW(Text, 0, CRYPT_STRING_ANY, Back, &Size, nullptr, &Kind));
    CHECK_EQ(Kind, DWORD(CRYPT_STRING_BASE64HEADER));
    Size = 128;
    CHECK(CryptBinaryToStringW(Data, 7, CRYPT_STRING_HEXRAW | CRYPT_STRING_NOCRLF, Text, &Size));
    CHECK_TEXT(Text, L"000102fdfeff41");
    Size = sizeof(Back);
    CHECK(!CryptStringToBinaryW(L"?!", 0, CRYPT_STRING_BASE64, Back, &Size, nullptr, nullptr) && GetLastError() == ERROR_INVALID_DATA);
}

// A self-signed test certificate: CN=Neptune Test, serial number 0x1234, P-256, SHA-256.
const BYTE Certificate[] = {
    0x30, 0x82, 0x01, 0x73, 0x30, 0x82, 0x01, 0x19, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x02, 0x12, 0x34, 0x30, 0x0A, 0x06, 0x08,
    0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x30, 0x17, 0x31, 0x15, 0x30, 0x13, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x0C,
    0x4E, 0x65, 0x70, 0x74, 0x75, 0x6E, 0x65, 0x20, 0x54, 0x65, 0x73, 0x74, 0x30, 0x20, 0x17, 0x0D, 0x32, 0x36, 0x31, 0x31, 0x32,
    0x34, 0x30, 0x35, 0x30, 0x34, 0x32, 0x33, 0x5A, 0x18, 0x0F, 0x32, 0x31, 0x32, 0x36, 0x31, 0x30, 0x33, 0x31, 0x30, 0x35, 0x30,
    0x34, 0x32, 0x33, 0x5A, 0x30, 0x17, 0x31, 0x15, 0x30, 0x13, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x0C, 0x4E, 0x65, 0x70, 0x74,
    0x75, 0x6E, 0x65, 0x20, 0x54, 0x65, 0x73, 0x74, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
    0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x3D, 0x86, 0x46, 0x16, 0x98, 0x9E, 0x93,
    0x03, 0xA6, 0xD6, 0xF5, 0x44, 0xBA, 0xBF, 0x86, 0x4A, 0x85, 0x1E, 0xB9, 0x6D, 0x37, 0xB7, 0xDC, 0x45, 0x06, 0xFB, 0x8A, 0x47,
    0x76, 0xB6, 0xF3, 0x95, 0x5A, 0x2E, 0x61, 0xAA, 0xFB, 0x4B, 0x00, 0x61, 0x6B, 0x5D, 0x97, 0xEC, 0x03, 0x51, 0x4C, 0xC6, 0x1C,
    0x21, 0xF3, 0x20, 0xBA, 0x97, 0x2E, 0xE9, 0xA8, 0x1E, 0x56, 0x0A, 0xEE, 0x32, 0x30, 0x47, 0xA3, 0x53, 0x30, 0x51, 0x30, 0x1D,
    0x06, 0x03, 0x55, 0x1D, 0x0E, 0x04, 0x16, 0x04, 0x14, 0xF4, 0x54, 0xEE, 0x10, 0x1F, 0xF6, 0x36, 0x89, 0x8E, 0x7E, 0xD8, 0x80,
    0x0C, 0xBB, 0x65, 0xE5, 0x40, 0xDB, 0x0A, 0x00, 0x30, 0x1F, 0x06, 0x03, 0x55, 0x1D, 0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14,
    0xF4, 0x54, 0xEE, 0x10, 0x1F, 0xF6, 0x36, 0x89, 0x8E, 0x7E, 0xD8, 0x80, 0x0C, 0xBB, 0x65, 0xE5, 0x40, 0xDB, 0x0A, 0x00, 0x30,
    0x0F, 0x06, 0x03, 0x55, 0x1D, 0x13, 0x01, 0x01, 0xFF, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xFF, 0x30, 0x0A, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x03, 0x48, 0x00, 0x30, 0x45, 0x02, 0x21, 0x00, 0xB6, 0xF9, 0x18, 0x98, 0xAA, 0xB3,
    0x78, 0x49, 0x36, 0x5A, 0xCE, 0x91, 0x11, 0x00, 0x0F, 0x0B, 0x1B, 0x80, 0x3E, 0x21, 0xC9, 0x32, 0xA8, 0x13, 0xC1, 0x68, 0x04,
    0xE3, 0xEE, 0x00, 0x00, 0x15, 0x02, 0x20, 0x5B, 0xD2, 0x5B, 0x65, 0xB1, 0x2C, 0xCB, 0x3E, 0x1B, 0x5D, 0x84, 0x48, 0xA3, 0x09,
    0x0B, 0x89, 0x06, 0x5F, 0x74, 0xC1, 0x69, 0xB9, 0x38, 0x58, 0x46, 0x7F, 0x77, 0xC8, 0x0B, 0xF7, 0xE1, 0xE3,
};

void Certificates()
{
    PCCERT_CONTEXT C = CertCreateCertificateContext(X509_ASN_ENCODING, Certificate, sizeof(Certificate));
    CHECK(C != nullptr);
    if (!C) {
        return;
    }
    CHECK_EQ(C->pCertInfo->dwVersion, DWORD(CERT_V3));
    CHECK_TEXTA(C->pCertInfo->SignatureAlgorithm.pszObjId, "1.2.840.10045.4.3.2");
    CHECK_TEXTA(C->pCertInfo->SubjectPublicKeyInfo.Algorithm.pszObjId, "1.2.840.10045.2.1");
    CHECK(C->pCertInfo->SerialNumber.cbData == 2 && C->pCertInfo->SerialNumber.pbData[0] == 0x34 &&
          C->pCertInfo->SerialNumber.pbData[1] == 0x12);
    CHECK(CertFindExtension("2.5.29.19", C->pCertInfo->cExtension, C->pCertInfo->rgExtension) != nullptr);
    CHECK(CertCompareCertificateName(X509_ASN_ENCODING, &C->pCertInfo->Issuer, &C->pCertInfo->Subject));
    FILETIME Early = {};
    CHECK_EQ(CertVerifyTimeValidity(&Early, C->pCertInfo), -1);

    HCERTSTORE Store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, nullptr);
    CHECK(Store != nullptr);
    PCCERT_CONTEXT Added = nullptr;
    CHECK(CertAddCertificateContextToStore(Store, C, CERT_STORE_ADD_NEW, &Added));
    CHECK(!CertAddEncodedCertificateToStore(Store, X509_ASN_ENCODING, Certificate, sizeof(Certificate), CERT_STORE_ADD_NEW, nullptr));
    CHECK_EQ(GetLastError(), DWORD(CRYPT_E_EXISTS));
    BYTE Digest[20];
    DWORD Size = sizeof(Digest);
    CHECK(CertGetCertificateContextProperty(C, CERT_SHA1_HASH_PROP_ID, Digest, &Size));
    CRYPT_HASH_BLOB Blob = { 20, Digest };
    PCCERT_CONTEXT Found = CertFindCertificateInStore(Store, X509_ASN_ENCODING, 0, CERT_FIND_SHA1_HASH, &Blob, nullptr);
    CHECK(Found == Added);
    CHECK(!CertFindCertificateInStore(Store, X509_ASN_ENCODING, 0, CERT_FIND_SHA1_HASH, &Blob, Found));
    CHECK_EQ(GetLastError(), DWORD(CRYPT_E_NOT_FOUND));
    CertFreeCertificateContext(Added);

    CERT_CHAIN_PARA Parameters = { sizeof(Parameters), {} };
    PCCERT_CHAIN_CONTEXT Chain;
    CHECK(CertGetCertificateChain(nullptr, C, nullptr, nullptr, &Parameters, 0, nullptr, &Chain));
    CHECK(Chain->TrustStatus.dwErrorStatus & CERT_TRUST_IS_UNTRUSTED_ROOT);
    CertFreeCertificateChain(Chain);
    CHECK(CertCloseStore(Store, 0));
    CertFreeCertificateContext(C);
    CHECK(!CertCreateCertificateContext(X509_ASN_ENCODING, Certificate, sizeof(Certificate) - 1));

    HCERTSTORE Root = CertOpenSystemStoreW(0, L"ROOT");
    CHECK(Root != nullptr);
    CertCloseStore(Root, 0);
}

}

void Test()
{
    Random();
    Hashes();
    Ciphers();
    Texts();
    Certificates();
}
