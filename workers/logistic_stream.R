# The logistic map of logistic.c as a program that stays alive: a JSON line for each point in, one out.
# fanfold --param r=3.5:4:0.001 --stream -- Rscript --vanilla workers/logistic_stream.R
points <- file("stdin", "r")
while (length(line <- readLines(points, n = 1)) > 0) {
  r <- as.numeric(sub('.*"r":([^,}]+).*', "\\1", line))
  index <- sub('.*"index":([0-9]+).*', "\\1", line)
  x <- 0.2
  total <- 0
  for (step in 1:1000) {
    total <- total + log(abs(r * (1 - 2 * x)))
    x <- r * x * (1 - x)
  }
  cat(sprintf('{"index":%s,"x":%.17g,"lyapunov":%.17g}\n', index, x, total / 1000))
  flush(stdout())
}
