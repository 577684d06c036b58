/* Bodies attracting each other; REAL is float or double. argv[1] hundred steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 8 };
static REAL x[BODIES][3], v[BODIES][3], mass[BODIES];

static void step(REAL dt) {
  for (int i = 0; i < BODIES; i++)
    for (int j = i + 1; j < BODIES; j++) {
      REAL d[3], square = (REAL)0.01;
      for (int k = 0; k < 3; k++) d[k] = x[i][k] - x[j][k], square += d[k] * d[k];
      REAL pull = dt / (square * (sizeof(REAL) == 4 ? (REAL)sqrtf(square) : (REAL)sqrt(square)));
      for (int k = 0; k < 3; k++) v[i][k] -= d[k] * mass[j] * pull, v[j][k] += d[k] * mass[i] * pull;
    }
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) x[i][k] += dt * v[i][k];
}

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < BODIES; i++) {
    mass[i] = (REAL)1 / (i + 1);
    for (int k = 0; k < 3; k++) x[i][k] = (REAL)((i * 7 + k * 5) % 11), v[i][k] = (REAL)((i + k) % 3 - 1) / 10;
  }
  for (int i = 0; i < size * 100; i++) step((REAL)0.001);
  for (int i = 0; i < BODIES; i++) printf("%.9g %.9g %.9g\n", (double)x[i][0], (double)x[i][1], (double)x[i][2]);
  return 0;
}
