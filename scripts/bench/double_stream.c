// The cheapest program that stays alive: twice the parameter x of each point.
#include <stdio.h>

int main(void) {
  char line[1024];
  double x;
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "{\"x\":%lf", &x) != 1) return 1;
    printf("%.17g\n", 2 * x);
    fflush(stdout);
  }
  return 0;
}
