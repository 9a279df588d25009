// For a DLL of forwarders only.
