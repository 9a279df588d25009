// The macros with which C and C++ declare COM interfaces, for kernel headers (portcls.h) that expect them of objbase.h.
#pragma once
#ifndef DECLSPEC_NOVTABLE
#define DECLSPEC_NOVTABLE
#endif
#ifndef DECLSPEC_NOTHROW
#define DECLSPEC_NOTHROW
#endif
#ifndef COM_DECLSPEC_NOTHROW
#define COM_DECLSPEC_NOTHROW
#endif
#include <basetyps.h>
#ifndef STDMETHODCALLTYPE
#define STDMETHODCALLTYPE __stdcall
#endif
#ifndef STDMETHOD
#ifdef __cplusplus
#define STDMETHOD(m) virtual HRESULT STDMETHODCALLTYPE m
#define STDMETHOD_(t, m) virtual t STDMETHODCALLTYPE m
#define PURE = 0
#define THIS_
#define THIS void
#define DECLARE_INTERFACE(i) struct i
#define DECLARE_INTERFACE_(i, b) struct i : public b
#else
#define STDMETHOD(m) HRESULT(STDMETHODCALLTYPE *m)
#define STDMETHOD_(t, m) t(STDMETHODCALLTYPE *m)
#define PURE
#define THIS_ INTERFACE *This,
#define THIS INTERFACE *This
#define DECLARE_INTERFACE(i)               \
    typedef struct i {                     \
        const struct i##Vtbl *lpVtbl;      \
    } i;                                   \
    typedef const struct i##Vtbl i##Vtbl;  \
    const struct i##Vtbl
#define DECLARE_INTERFACE_(i, b) DECLARE_INTERFACE(i)
#endif
#endif
