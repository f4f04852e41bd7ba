! The logistic map of logistic.c as a program that stays alive: a JSON line for each point in, one out.
! gfortran -O2 -ffp-contract=off workers/logistic_stream.f90 -o logistic_stream
! fanfold --param r=3.5:4:0.001 --stream -- ./logistic_stream
program logistic_stream
  implicit none
  character(1024) :: line
  double precision :: r, x, total
  integer :: point, step, status
  do
    read (*, '(a)', iostat=status) line
    if (status /= 0) exit
    read (line(index(line, '"r":') + 4:), *) r
    read (line(index(line, '"index":') + 8:), *) point
    x = 0.2d0
    total = 0
    do step = 1, 1000
      total = total + log(abs(r * (1 - 2 * x)))
      x = r * x * (1 - x)
    end do
    print '(a, i0, 2(a, es24.16e3), a)', '{"index":', point, ',"x":', x, ',"lyapunov":', total / 1000, '}'
    flush (6)
  end do
end program
