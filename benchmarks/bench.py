"""Measures everything that ends within a quarter of an hour: ``make bench``."""

from growth import growth
from results import ROUNDS, write
from training import arithmetic, training_alone
from whole_run import whole_run

if __name__ == "__main__":
    rounds = f"Ratios are medians over {ROUNDS} interleaved rounds, lowest to highest in brackets."
    write("bench", [rounds, training_alone(), whole_run(), growth(), arithmetic()])
