"""Reads a configuration as supervisord does, and starts nothing."""

import sys

from supervisor.options import ServerOptions

ServerOptions().realize(args=["-n", "-c", sys.argv[1]])
