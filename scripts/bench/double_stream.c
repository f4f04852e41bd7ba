// The cheapest program that stays alive: twice the parameter x of each point.
#include <stdio.h>

int main(void) {
  char line[1024];
  double x;
  long index;
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "{\"x\":%lf,\"index\":%ld", &x, &index) != 2) return 1;
    printf("{\"index\":%ld,\"y\":%.17g}\n", index, 2 * x);
    fflush(stdout);
  }
  return 0;
}
