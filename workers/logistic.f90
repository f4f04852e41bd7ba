! The logistic map of logistic.c.
! gfortran -O2 -ffp-contract=off workers/logistic.f90 -o logistic
! fanfold --param r=3.5:4:0.001 --columns x,lyapunov -- ./logistic {r}
program logistic
  implicit none
  character(64) :: text
  double precision :: r, x, total
  integer :: step
  call get_command_argument(1, text)
  read (text, *) r
  x = 0.2d0
  total = 0
  do step = 1, 1000
    total = total + log(abs(r * (1 - 2 * x)))
    x = r * x * (1 - x)
  end do
  print '(2es25.16e3)', x, total / 1000
end program
