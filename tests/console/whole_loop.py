"""The learning loop in full: on the churn set of design where it is there, else on generated customers.

    whole_loop.py DIRECTORY         pictures of every page go to the directory
"""

import os
import pathlib
import shutil
import sys
import time

from installation import CHECKOUT, Installation, customers
from learning_loop import BOOSTING, Journey, Size
from visitor import PICTURES, Browser, Look, Visitor

CHURN_SET = CHECKOUT.parent / "shared/data/telco_train.csv"
LOOKS = [Look(1280, "en", "light"), Look(1280, "ru", "dark"), Look(390, "en", "dark"), Look(390, "ru", "light")]


def main(directory):
    """Goes through it, and says what was seen at each step."""
    if CHURN_SET.exists():
        training = CHURN_SET.read_bytes()
    else:
        training = customers(5000, 70, "--labels")
    size = Size(
        training=training, rows_usual=2000, rows_shifted=20_000, shift=1.5,
        asked="algorithm=catboost&folds=3&hold_out=0.2", training_service=BOOSTING,
    )
    environment = {"WEBHOOK_ALLOW_PRIVATE": "true"}
    if "MLFLOW_TRACKING_URI" in os.environ:
        environment["MLFLOW_TRACKING_URI"] = os.environ["MLFLOW_TRACKING_URI"]
    on, browser = Installation(environment), Browser()
    started = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    windows = []

    def look_at(name, path):
        if not windows:
            for look in LOOKS:
                windows.append(Visitor(browser, on, look))
                windows[-1].sign_in(journey.customer)
        for visitor in windows:
            visitor.go(path)
            visitor.look_over(name)
            shutil.copy(PICTURES / f"{name}-{visitor.look}.png", directory)

    try:
        say(f"trains on {'the churn set' if CHURN_SET.exists() else 'generated customers'}")
        journey = Journey(on, size, look_at, say)
        journey.go()
        say(f"everything held; pictures of every page are in {directory}")
    finally:
        browser.stop()
        on.stop()


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
