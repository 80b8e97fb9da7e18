#!/usr/bin/env bash
# The interface as people try it: every call by curl, against `pinion up --http`. Ends with status 0
# when every answer is what docs/HTTP.md says. Usage: curl.sh FOLDER-OF-PROGRAMS
set -euo pipefail

programs=$1
work=$(mktemp -d)
# Both at once: one that was let go might be given again.
read -r port http < <(python3 -c '
import socket
both = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in both))')
"$programs/pinion" up --data "$work/data" --port "$port" --http "$http" >"$work/out" 2>"$work/log" &
cluster=$!
stop() {
  kill -TERM "$cluster" 2>/dev/null || true
  wait "$cluster" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
for _ in $(seq 400); do
  grep -q '^ready ' "$work/out" 2>/dev/null && break
  kill -0 "$cluster" || { cat "$work/log"; exit 1; }
  sleep 0.05
done

failures=0
# expect STATUS TEXT CURL-ARGUMENT...: the last argument is the path.
expect() {
  local status=$1 text=$2 got
  shift 2
  got=$(curl -s -m 20 -w '\n%{http_code}' "${@:1:$#-1}" "http://127.0.0.1:$http${*: -1}")
  if [ "${got##*$'\n'}" != "$status" ] || [[ $got != *"$text"* ]]; then
    printf 'curl %s\n  wanted %s with %s\n  got    %s\n' "$*" "$status" "$text" "$got"
    failures=$((failures + 1))
  fi
}

json='Content-Type: application/json'
expect 200 '"topics":[]' /topics
expect 200 "Topic 'a' created successfully" -d '{"topic":"a"}' -H "$json" /topics
expect 400 "Topic 'a' already exists" -d topic_name=a /topics
expect 200 "Topic 'b' created successfully" -F name=b -F partitions=2 /topics
expect 200 '"topics":["a","b"]' -X GET -d '{"ignore":"me"}' /topics
expect 200 '"partitions":[0,1]' '/topics/partitions?topic=b'
expect 200 '"partitions":[0]' -X GET -H "$json" -d '{"topic":"a"}' /partitions/
expect 400 "Topic 'z' does not exist" '/partitions?topic=z'
expect 200 '"producer_id":1' -d topic=a /producer/register
expect 200 'ID 1' -d '{"topic_name":"a"}' /consumer/register
expect 400 "Topic 'z' does not exist" -d topic=z /consumer/register
expect 200 '"num_partitions":1' -d topic=made-by-a-producer /producer/register
expect 200 '"offset":0' -d '{"topic":"a","producer_id":"1","message":"one"}' /producer/produce
expect 200 '"offset":1' -X POST '/producer/produce?topic=a&producer_id=1&log_message=two+words'
expect 400 'Invalid producer_id' -d 'topic=a&producer_id=invalid&message=x' /producer/produce
expect 400 'Invalid producer_id' -d 'topic=b&producer_id=1&message=x' /producer/produce
expect 400 'message' -d 'topic=a&producer_id=1' /producer/produce
expect 400 'JSON' -H "$json" -d '{"topic":' /producer/produce
expect 200 '"size":2' '/size?topic=a&consumer_id=1'
expect 200 '"message":"one","log_message":"one"' -X GET -d '{"topic":"a","consumer_id":1}' /consumer/consume
expect 200 '"message":"two words"' '/consumer/consume?topic=a&consumer_id=1&request_id=r1'
expect 200 '"message":"two words"' -H 'X-Request-Id: r1' '/consumer/consume?topic=a&consumer_id=1'
expect 400 '"status":"failure"' '/consumer/consume?topic=a&consumer_id=1'
expect 400 'Invalid consumer_id' '/size?topic=a&consumer_id=-1'
expect 200 '{"message":"pong"}' /ping
expect 200 '"healthy":true' /health
expect 200 '"status":"success"' /status
expect 200 '"status":"success"' /
expect 200 'pinion_gateway_requests_total' /metrics
expect 404 '"status":"failure"' /nothing
expect 405 '"status":"failure"' -X DELETE /size
expect 200 '"offsets":[0,1]' -d '{"records":["x",{"value":"y","key":"k"}],"partition":1}' /topics/b/records
expect 200 '"next_offset":2' '/topics/b/partitions/1/records?offset=0'
expect 200 '"rows":[[2]]' -d '{"sql":"select count(*) from readable","partition":1}' /topics/b/query
expect 200 '"state":"online"' /topics/b
expect 200 '"health":"alive"' /cluster
expect 200 '"openapi":"3.0.3"' /openapi.json
expect 200 'deleted successfully' -X DELETE /topics/b

[ "$failures" -eq 0 ] || { echo "$failures answers were not what docs/HTTP.md says"; exit 1; }
echo "all answers are what docs/HTTP.md says"
