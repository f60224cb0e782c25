"""`python -m crsbench`."""

import sys

from crsbench.cli import main

sys.exit(main())
