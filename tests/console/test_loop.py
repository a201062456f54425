"""The learning loop in small, with the pages that it leads to."""

from flow import Flow
from installation import Installation, customers
from learning_loop import BOOSTING, Journey, Size
from visitor import Look


class Loop(Flow):
    """Data in, model out, outcomes back, a better model promoted."""

    def test_a_model_that_has_grown_old_is_replaced_by_one_that_is_better(self):
        """Drift, outcomes, retraining and the gate, without anybody doing anything but uploading."""
        on = Installation({"WEBHOOK_ALLOW_PRIVATE": "true"})
        self.addCleanup(on.stop)
        size = Size(
            training=customers(400, 70, "--labels"), rows_usual=400, rows_shifted=4000, shift=1.5,
            asked="algorithm=xgboost&folds=2&hold_out=0.4", training_service=BOOSTING,
        )
        windows = {}

        def look_at(name, path):
            if not windows:
                windows.update({look: self.visit(look, journey.customer, on) for look in (Look(), Look(390, "ru", "dark"))})
            for visitor in windows.values():
                visitor.go(path)
                visitor.look_over(name)

        journey = Journey(on, size, look_at)
        journey.go()
