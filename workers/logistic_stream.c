// The logistic map of logistic.c as a program that stays alive: a JSON line for each point in, one out.
// cc -O2 -ffp-contract=off workers/logistic_stream.c -o logistic_stream -lm
// fanfold --param r=3.5:4:0.001 --stream -- ./logistic_stream
#include <math.h>
#include <stdio.h>

int main(void) {
  char line[1024];
  while (fgets(line, sizeof line, stdin)) {
    double r, x = 0.2, sum = 0;
    long index;
    if (sscanf(line, "{\"r\":%lf,\"index\":%ld", &r, &index) != 2) return 1;
    for (int step = 0; step < 1000; step++) {
      sum += log(fabs(r * (1 - 2 * x)));
      x = r * x * (1 - x);
    }
    printf("{\"index\":%ld,\"x\":%.17g,\"lyapunov\":%.17g}\n", index, x, sum / 1000);
    fflush(stdout);
  }
  return 0;
}
