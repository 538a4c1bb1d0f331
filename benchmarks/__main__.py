"""`python -m benchmarks`: run every benchmark there is."""

import sys

from benchmarks import login

if __name__ == "__main__":
    sys.exit(login.main(sys.argv[1:]))
