"""What the house itself is built and checked with. Nothing here ships."""
