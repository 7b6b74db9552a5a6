"""Measures everything that ends within a quarter of an hour: ``make bench``."""

from growth import growth
from results import write
from training import arithmetic, training_alone
from whole_run import whole_run

if __name__ == "__main__":
    write("bench", [training_alone(), whole_run(), growth(), arithmetic()])
