//! Steps down a gradient whose lengths fit themselves to each parameter.

/// How steps are made (Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015), with weights
/// that decay beside the gradient (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) learning_rate: f64,
    /// How much of the mean gradient is kept at each step.
    pub(crate) beta1: f64,
    /// How much of the mean squared gradient is kept at each step.
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    /// The share, times the learning rate, that a weight loses at each step.
    pub(crate) weight_decay: f64,
}

/// What is remembered of the gradients so far.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    steps: i32,
    means: Vec<f64>,
    squares: Vec<f64>,
    /// Which parameters are weights, and decay.
    decays: Vec<bool>,
}

impl Adam {
    pub(crate) fn new(decays: Vec<bool>) -> Adam {
        Adam { steps: 0, means: vec![0.0; decays.len()], squares: vec![0.0; decays.len()], decays }
    }

    pub(crate) fn step(&mut self, parameters: &mut [f64], gradients: &[f64], rates: &Rates) {
        let Rates { learning_rate, beta1, beta2, epsilon, weight_decay } = *rates;
        self.steps = self.steps.saturating_add(1);
        // The means begin at 0 and would be too small at first.
        let mean_share = 1.0 - beta1.powi(self.steps);
        let square_share = 1.0 - beta2.powi(self.steps);
        let memory = self.means.iter_mut().zip(&mut self.squares).zip(&self.decays);
        for (((mean, square), &decays), (parameter, &gradient)) in
            memory.zip(parameters.iter_mut().zip(gradients))
        {
            *mean = beta1 * *mean + (1.0 - beta1) * gradient;
            *square = beta2 * *square + (1.0 - beta2) * gradient * gradient;
            let decay = if decays { learning_rate * weight_decay } else { 0.0 };
            let step = (*mean / mean_share) / ((*square / square_share).sqrt() + epsilon);
            *parameter -= decay * *parameter + learning_rate * step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Adam, Rates};

    const RATES: Rates =
        Rates { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };

    #[test]
    fn the_first_step_is_the_learning_rate_whatever_the_gradient() {
        let mut parameters = [1.0, 1.0, 1.0];
        Adam::new(vec![false; 3]).step(&mut parameters, &[1e-3, -40.0, 0.0], &RATES);
        let wanted = [0.9, 1.1, 1.0];
        assert!(parameters.iter().zip(wanted).all(|(left, right)| (left - right).abs() < 1e-5));
    }

    #[test]
    fn the_lowest_point_is_found() {
        let mut parameters = [5.0, -3.0];
        let mut adam = Adam::new(vec![false; 2]);
        for _ in 0..2_000 {
            let gradients = [2.0 * (parameters[0] - 1.0), 20.0 * (parameters[1] + 0.5)];
            adam.step(&mut parameters, &gradients, &RATES);
        }
        assert!((parameters[0] - 1.0).abs() < 1e-3 && (parameters[1] + 0.5).abs() < 1e-3, "{parameters:?}");
    }

    #[test]
    fn only_weights_decay() {
        let mut parameters = [2.0, 2.0];
        let rates = Rates { weight_decay: 0.5, ..RATES };
        Adam::new(vec![true, false]).step(&mut parameters, &[0.0, 0.0], &rates);
        assert!((parameters[0] - 1.9).abs() < 1e-12 && (parameters[1] - 2.0).abs() < 1e-12, "{parameters:?}");
    }
}
