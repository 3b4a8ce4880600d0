# Sourced by the start commands of cluster.yaml and clusters/*.yaml: what every Ray there is run with.

export PATH="$HOME/mnist-bench/.venv/bin:$PATH"

# Hazards for whoever measures: Ray's commands over SSH set one thread, its workers run at nice 15,
# and it hides the GPUs from tasks that ask for none.
unset OMP_NUM_THREADS
export RAY_worker_niceness=0
# If memory runs out, the kernel is to kill the job and not the worker that watches it.
export RAY_worker_oom_score_adjustment=0
export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
export RAY_USAGE_STATS_ENABLED=0

# Closed: whoever has not the token is refused.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="$HOME/.ray/auth_token"

# A host that is cut off is called dead after about 20 s and not after minutes; a host that is only
# busy keeps answering within that.
export RAY_health_check_period_ms=2000
export RAY_health_check_timeout_ms=5000
export RAY_health_check_failure_threshold=4
export RAY_grpc_client_keepalive_time_ms=10000
export RAY_grpc_client_keepalive_timeout_ms=8000

# A weak host takes more than Ray's 30 s to start it.
export RAY_raylet_start_wait_time_s=180

# Fixed ports, so that a firewall can name them (docs/cluster.md).
RAY_PORTS="--node-manager-port=6380 --object-manager-port=6381 --runtime-env-agent-port=6382 \
--dashboard-agent-grpc-port=6383 --dashboard-agent-listen-port=6384 --metrics-export-port=6385 \
--min-worker-port=10002 --max-worker-port=10999 --object-store-memory=300000000"
