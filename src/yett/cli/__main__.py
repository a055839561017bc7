"""`python -m yett.cli` is the `yett` command."""

import sys

from yett.cli import main

sys.exit(main())
