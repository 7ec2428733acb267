// Elementary functions with the same bits on every machine.
//
// The C library picks exp, log, pow, sin, ... by the processor: its variants with fused multiply-add differ from the
// others in the last place of one result in some thousands, and its versions differ from each other. So what is
// computed outside the kernels of an instruction set uses these; the test Elementary.NothingElseIsCalled looks at the
// objects. What the C library rounds exactly (sqrt, fma, floor, ...) may be called, and so may what it has in one
// variant only (hypot, cbrt).
//
// Errors, in units in the last place of the double: exp, log, log2 and log10 0.6, pow 1.2 for exponents up to 30, sin
// and cos 1.5 (3.5 beyond 2^20), atan2 2.5. Powers of ten and of two come out exact.
#pragma once

namespace limpid::elementary {

double exp(double x);
double log(double x);
double log2(double x);
double log10(double x);
// As the C library's: a negative x needs a whole y.
double pow(double x, double y);
// Of any finite x.
double sin(double x);
double cos(double x);
double atan2(double y, double x);

}  // namespace limpid::elementary
