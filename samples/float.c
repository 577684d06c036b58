/* Floating point through printf and libm: rounding, subnormals, infinities, NaN, conversions at the edges. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

static volatile double third = 1.0 / 3.0, huge = DBL_MAX, tiny = DBL_MIN, zero = 0.0;
static volatile float third_f = 1.0f / 3.0f, big_f = 16777217.0f;

static void line(const char *name, double value) { printf("%-12s %.17g %a\n", name, value, value); }

int main(void) {
  line("third", third);
  line("third f32", third_f);
  line("2^24+1 f32", big_f);
  line("overflow", huge * 2);
  line("subnormal", tiny / 4096);
  line("minus zero", -zero);
  line("nan", zero / zero);
  line("sqrt 2", sqrt(zero + 2));
  line("fma", fma(third, 3, -1));
  line("sin", sin(third));
  line("exp", exp(third));
  line("pow", pow(third, 0.7));
  line("log", log(third));
  printf("%d %d %u %d\n", (int)(third * 1e6), (int)(huge), (unsigned)(-third * 9), (int)(zero / zero));
  for (int mode = 0; mode < 4; mode++) {
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    fesetround(modes[mode]);
    double sum = third + 1e-17, product = third * third;
    fesetround(FE_TONEAREST);
    printf("mode %d %a %a\n", mode, sum, product);
  }
  feclearexcept(FE_ALL_EXCEPT);
  volatile double inexact = third * 3.3, divided = 1 / zero;
  printf("flags %d %d %d\n", !!fetestexcept(FE_INEXACT), !!fetestexcept(FE_DIVBYZERO), !!fetestexcept(FE_INVALID));
  return inexact + divided > 0 ? 0 : 1;
}
