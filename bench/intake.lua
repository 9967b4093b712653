-- What wrk sends: the same proposal, each time under a new Idempotency-Key. Set by bench/intake.py: BENCH_BODY, BENCH_KEY.
local number = 0
local begun = os.getenv("BENCH_BEGUN")
local body = os.getenv("BENCH_BODY")
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")}

function request()
   number = number + 1
   headers["Idempotency-Key"] = begun .. "-" .. number
   return wrk.format("POST", "/v1/requests", headers, body)
end
