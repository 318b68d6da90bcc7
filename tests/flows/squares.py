"""Settings of a small run that asks about squares in two rounds."""

ASKED = {
    "channel": "saliency_grid",
    "training__epochs": "4",
    "promotion__min_images": "4",
    "saliency_grid__grid__cells": "8",
    "saliency_grid__sampling__first_epoch": "1",
    "saliency_grid__sampling__rounds": "2",
    "saliency_grid__sampling__n_images": "3",
    "saliency_grid__seeds": "1",
}
ONE_ROUND = {"saliency_grid__sampling__rounds": "1"}
