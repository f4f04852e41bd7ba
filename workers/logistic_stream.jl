# The logistic map of logistic.c as a program that stays alive: a JSON line for each point in, one out.
# fanfold --param r=3.5:4:0.001 --stream -- julia workers/logistic_stream.jl
function answer(line)
    r = parse(Float64, match(r"\"r\":([^,}]+)", line)[1])
    index = match(r"\"index\":(\d+)", line)[1]
    x, total = 0.2, 0.0
    for step in 1:1000
        total += log(abs(r * (1 - 2x)))
        x = r * x * (1 - x)
    end
    println("{\"index\":", index, ",\"x\":", x, ",\"lyapunov\":", total / 1000, "}")
    flush(stdout)
end

foreach(answer, eachline(stdin))
