# Every task of this project. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build test chaos rls-cost check fmt sqlx deny bench quality mlflow loop fuzz hooks mutate services stop-services

help: ## lists the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## builds and starts everything in one process, with a demo user, on http://127.0.0.1:8000
	scripts/install_packages run
	cargo build --release
	exec target/release/augur serve --demo $(ARGS)

build: ## builds target/release/augur
	cargo build --release

test: ## runs every test, on servers that it starts and stops itself (ARGS go to the tests)
	scripts/install_packages test
	scripts/test_services run scripts/test $(ARGS)

chaos: ## runs every fault at every moment of an order's life and a random schedule (SEED=n ORDERS=n: that alone); tables go to target/chaos
	scripts/install_packages test
	scripts/test_services run scripts/chaos $(ARGS)

rls-cost: ## measures what row-level security costs, by the same requests with the policies in force and without
	scripts/install_packages test
	cargo build --release -p augur
	scripts/test_services run cargo test --release -p tests --test costs

check: ## formatting and lints
	cargo fmt --check
	cargo clippy --release --workspace --all-targets -- -D warnings

fmt: ## formats the code
	cargo fmt

sqlx: ## writes .sqlx anew after a change of a query or a migration
	scripts/install_packages test
	mkdir -p .test
	scripts/test_services run --only postgresql scripts/prepare_queries

deny: ## checks licences, sources and doubles of the dependencies (needs cargo-deny)
	cargo deny --all-features check bans licenses sources

bench: ## measures speed beside the official libraries and writes docs/benchmarks.md (ARGS: --rows N, --only PART)
	scripts/bench speed $(ARGS)

quality: ## cross-validates beside the official libraries and writes docs/quality.md: make quality DATA=labelled.csv
	scripts/bench quality $(DATA)

mlflow: ## takes a training to a real MLflow server, the package of PyPI, and reads it by MLflow's own client
	scripts/install_packages run
	scripts/mlflow

loop: ## goes once round the learning loop, from data to the model that replaces the first, with a real MLflow server; pictures go to target/loop
	scripts/install_packages test
	cargo build --release
	scripts/mlflow scripts/console --loop

fuzz: ## fuzzes the readers of customer files and models for ten minutes each (ARGS: seconds)
	scripts/fuzz $(ARGS)

hooks: ## has git run `make check` before each commit
	git config core.hooksPath scripts/hooks

mutate: ## removes each guard of money, tenants and jobs in turn; each removal must turn a test red (ARGS: words)
	scripts/install_packages test
	scripts/test_services run --only postgresql scripts/mutate $(ARGS)

services: ## starts the tests' servers and leaves them running: eval "$$(make -s services)"
	@scripts/install_packages test
	@scripts/test_services start

stop-services: ## stops them
	@scripts/test_services stop
