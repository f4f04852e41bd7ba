// The logistic map x -> r x (1 - x) from x = 0.2: where it is after 1000 steps, and its Lyapunov exponent.
// cc -O2 -ffp-contract=off workers/logistic.c -o logistic -lm
// fanfold --param r=3.5:4:0.001 --columns x,lyapunov -- ./logistic {r}
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: logistic R\n");
    return 2;
  }
  double r = atof(argv[1]), x = 0.2, sum = 0;
  for (int step = 0; step < 1000; step++) {
    sum += log(fabs(r * (1 - 2 * x)));
    x = r * x * (1 - x);
  }
  printf("%.17g %.17g\n", x, sum / 1000);
  return 0;
}
