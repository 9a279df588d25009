// Arithmetic on rectangles.
#include "win32/common/win.hpp"

namespace {

bool Empty(const RECT* R) { return !R || R->left >= R->right || R->top >= R->bottom; }
LONG Least(LONG A, LONG B) { return A < B ? A : B; }
LONG Most(LONG A, LONG B) { return A > B ? A : B; }

}

EXPORT BOOL WINAPI SetRect(LPRECT R, int Left, int Top, int Right, int Bottom)
{
    if (!R) {
        return FALSE;
    }
    *R = { Left, Top, Right, Bottom };
    return TRUE;
}
EXPORT BOOL WINAPI SetRectEmpty(LPRECT R) { return SetRect(R, 0, 0, 0, 0); }
EXPORT BOOL WINAPI CopyRect(LPRECT To, const RECT* From)
{
    return From ? SetRect(To, From->left, From->top, From->right, From->bottom) : FALSE;
}
EXPORT BOOL WINAPI IsRectEmpty(const RECT* R) { return Empty(R); }
EXPORT BOOL WINAPI PtInRect(const RECT* R, POINT P) { return R && P.x >= R->left && P.x < R->right && P.y >= R->top && P.y < R->bottom; }
EXPORT BOOL WINAPI EqualRect(const RECT* A, const RECT* B)
{
    return A && B && A->left == B->left && A->top == B->top && A->right == B->right && A->bottom == B->bottom;
}
EXPORT BOOL WINAPI OffsetRect(LPRECT R, int X, int Y)
{
    return R ? SetRect(R, R->left + X, R->top + Y, R->right + X, R->bottom + Y) : FALSE;
}
EXPORT BOOL WINAPI InflateRect(LPRECT R, int X, int Y)
{
    return R ? SetRect(R, R->left - X, R->top - Y, R->right + X, R->bottom + Y) : FALSE;
}
EXPORT BOOL WINAPI IntersectRect(LPRECT To, const RECT* A, const RECT* B)
{
    if (!To || !A || !B) {
        return FALSE;
    }
    RECT R = { Most(A->left, B->left), Most(A->top, B->top), Least(A->right, B->right), Least(A->bottom, B->bottom) };
    if (Empty(A) || Empty(B) || Empty(&R)) {
        SetRectEmpty(To);
        return FALSE;
    }
    *To = R;
    return TRUE;
}
EXPORT BOOL WINAPI UnionRect(LPRECT To, const RECT* A, const RECT* B)
{
    if (!To || !A || !B) {
        return FALSE;
    }
    if (Empty(A) && Empty(B)) {
        SetRectEmpty(To);
        return FALSE;
    }
    if (Empty(A)) {
        *To = *B;
    } else if (Empty(B)) {
        *To = *A;
    } else {
        *To = { Least(A->left, B->left), Least(A->top, B->top), Most(A->right, B->right), Most(A->bottom, B->bottom) };
    }
    return TRUE;
}
EXPORT BOOL WINAPI SubtractRect(LPRECT To, const RECT* A, const RECT* B)
{
    if (!To || !A || !B) {
        return FALSE;
    }
    RECT Common, R = *A;
    if (Empty(A)) {
        SetRectEmpty(To);
        return FALSE;
    }
    if (IntersectRect(&Common, A, B)) {
        if (EqualRect(&Common, &R)) {
            SetRectEmpty(To);
            return FALSE;
        }
        // Only a piece that covers a whole side can be cut off and leave a rectangle.
        if (Common.top == R.top && Common.bottom == R.bottom) {
            if (Common.left == R.left) {
                R.left = Common.right;
            } else if (Common.right == R.right) {
                R.right = Common.left;
            }
        } else if (Common.left == R.left && Common.right == R.right) {
            if (Common.top == R.top) {
                R.top = Common.bottom;
            } else if (Common.bottom == R.bottom) {
                R.bottom = Common.top;
            }
        }
    }
    *To = R;
    return TRUE;
}
