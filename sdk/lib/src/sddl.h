// Security descriptors from the subset of SDDL that device objects use: a DACL ("D:" with flags P, AI, AR) of allow and deny entries with
// generic, standard or hexadecimal rights and well-known or literal SIDs.
#pragma once

typedef struct _SDDL_DESCRIPTOR {
    SECURITY_DESCRIPTOR_RELATIVE Header;
    UCHAR Dacl[1024]; // the ACL follows the header
} SDDL_DESCRIPTOR;

// STATUS_INVALID_PARAMETER for a string it does not understand, STATUS_BUFFER_TOO_SMALL for more entries than fit.
NTSTATUS SddlToDescriptor(const WCHAR *Text, SIZE_T Count, SDDL_DESCRIPTOR *Descriptor);
