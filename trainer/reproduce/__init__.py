"""Trains and measures everything in the ATPA paper's Table 1 and Figures 1 to 6: `python -m trainer.reproduce`.

A study is a folder. Every training, evaluation, sweep and piece of a landscape in it is a file that is there whole or
not at all; the table and the figures are made of these files only.
"""
