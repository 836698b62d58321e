# examples/: specs with their compiled output, and the quickstart.
