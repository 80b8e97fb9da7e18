#include "gateway/core/openapi.hpp"

namespace pinion::gateway {
namespace {

// clang-format off
constexpr const char* document = R"json({"openapi":"3.0.3","info":{"title":"Pinion","version":"1",
"description":"Parameters travel as JSON, as a form or in the query. See docs/HTTP.md."
},"paths":{"/topics":{"post":{"operationId":"createTopic","summary":"Create a topic","requestBody"
:{"required":true,"content":{"application/json":{"schema":{"type":"object","properties":{"topic":{
"type":"string"},"partitions":{"type":"integer"}},"required":["topic"]}},
"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"topic":{"type":
"string"},"partitions":{"type":"integer"}},"required":["topic"]}}}},"responses":{"200":{
"description":"Created","content":{"application/json":{"schema":{"type":"object","properties":{
"status":{"type":"string","enum":["success"]},"message":{"type":"string"}}}}}},"400":{"$ref":
"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}},"get":{
"operationId":"listTopics","summary":"Topics, in the order of their creation","responses":{"200":{
"description":"Topics","content":{"application/json":{"schema":{"type":"object","properties":{
"status":{"type":"string","enum":["success"]},"topics":{"type":"array","items":{"type":"string"}}}
}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}
}},"/topics/partitions":{"get":{"operationId":"listPartitions","summary":"A topic's partitions",
"parameters":[{"name":"topic","in":"query","schema":{"type":"string"},"required":true}],
"responses":{"200":{"description":"Partitions","content":{"application/json":{"schema":{"type":
"object","properties":{"status":{"type":"string","enum":["success"]},"partitions":{"type":"array",
"items":{"type":"integer"}}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{"$ref":
"#/components/responses/Away"}}}},"/consumer/register":{"post":{"operationId":"registerConsumer",
"summary":"A number for a consumer","requestBody":{"required":true,"content":{"application/json":{
"schema":{"type":"object","properties":{"topic":{"type":"string"},"partition":{"type":"integer"}},
"required":["topic"]}},"application/x-www-form-urlencoded":{"schema":{"type":"object","properties"
:{"topic":{"type":"string"},"partition":{"type":"integer"}},"required":["topic"]}}}},"responses":{
"200":{"description":"Registered","content":{"application/json":{"schema":{"type":"object",
"properties":{"status":{"type":"string","enum":["success"]},"consumer_id":{"type":"integer"},
"message":{"type":"string"}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{"$ref":
"#/components/responses/Away"}}}},"/producer/register":{"post":{"operationId":"registerProducer",
"summary":"A number for a producer; a missing topic is made","requestBody":{"required":true,
"content":{"application/json":{"schema":{"type":"object","properties":{"topic":{"type":"string"},
"partition":{"type":"integer"}},"required":["topic"]}},"application/x-www-form-urlencoded":{
"schema":{"type":"object","properties":{"topic":{"type":"string"},"partition":{"type":"integer"}},
"required":["topic"]}}}},"responses":{"200":{"description":"Registered","content":{
"application/json":{"schema":{"type":"object","properties":{"status":{"type":"string","enum":[
"success"]},"producer_id":{"type":"integer"},"num_partitions":{"type":"integer"},"message":{"type"
:"string"}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{"$ref":
"#/components/responses/Away"}}}},"/producer/produce":{"post":{"operationId":"enqueue","summary":
"Send a message; answered when it is durable","requestBody":{"required":true,"content":{
"application/json":{"schema":{"type":"object","properties":{"topic":{"type":"string"},
"producer_id":{"type":"integer"},"message":{"type":"string"},"partition":{"type":"integer"},
"sequence":{"type":"integer"}},"required":["topic","producer_id","message"]}},
"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"topic":{"type":
"string"},"producer_id":{"type":"integer"},"message":{"type":"string"},"partition":{"type":
"integer"},"sequence":{"type":"integer"}},"required":["topic","producer_id","message"]}}}},
"responses":{"200":{"description":"Stored","content":{"application/json":{"schema":{"type":
"object","properties":{"status":{"type":"string","enum":["success"]},"partition_id":{"type":
"integer"},"offset":{"type":"integer"}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":
{"$ref":"#/components/responses/Away"},"413":{"$ref":"#/components/responses/TooLarge"}}}},
"/consumer/consume":{"get":{"operationId":"dequeue","summary":
"The next message; moves the consumer on, durably","parameters":[{"name":"topic","in":"query",
"schema":{"type":"string"},"required":true},{"name":"consumer_id","in":"query","schema":{"type":
"integer"},"required":true},{"name":"partition","in":"query","schema":{"type":"integer"}},{"name":
"request_id","in":"query","schema":{"type":"string"},"description":
"A repeat with the same id returns the same message"},{"name":"X-Request-Id","in":"header",
"schema":{"type":"string"},"description":"As request_id"}],"responses":{"200":{"description":
"A message","content":{"application/json":{"schema":{"type":"object","properties":{"status":{
"type":"string","enum":["success"]},"message":{"type":"string"},"log_message":{"type":"string"},
"offset":{"type":"integer"},"partition_id":{"type":"integer"}}}}}},"400":{"$ref":
"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}}},"/size":{"get":{
"operationId":"size","summary":"Unread messages of a consumer","parameters":[{"name":"topic","in":
"query","schema":{"type":"string"},"required":true},{"name":"consumer_id","in":"query","schema":{
"type":"integer"},"required":true},{"name":"partition","in":"query","schema":{"type":"integer"}}],
"responses":{"200":{"description":"Size","content":{"application/json":{"schema":{"type":"object",
"properties":{"status":{"type":"string","enum":["success"]},"size":{"type":"integer"},"partial":{
"type":"boolean"}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{"$ref":
"#/components/responses/Away"}}}},"/health":{"get":{"operationId":"health","summary":
"Whether the cluster answers","responses":{"200":{"description":"It does","content":{
"application/json":{"schema":{"type":"object","properties":{"status":{"type":"string","enum":[
"success"]},"healthy":{"type":"boolean"}}}}}},"400":{"$ref":"#/components/responses/Refused"},
"503":{"$ref":"#/components/responses/Away"}}}},"/ping":{"get":{"operationId":"ping","summary":
"Whether the gateway runs","responses":{"200":{"description":"It does","content":{
"application/json":{"schema":{"type":"object","properties":{"message":{"type":"string"}}}}}}}}},
"/metrics":{"get":{"operationId":"metrics","summary":"Prometheus' text format","responses":{"200":
{"description":"Metrics","content":{"text/plain":{"schema":{"type":"string"}}}}}}},
"/topics/{topic}":{"get":{"operationId":"describeTopic","summary":"A topic and its partitions",
"parameters":[{"name":"topic","in":"path","schema":{"type":"string"},"required":true}],"responses"
:{"200":{"description":"The topic","content":{"application/json":{"schema":{"type":"object",
"properties":{"status":{"type":"string","enum":["success"]},"topic":{"type":"object"}}}}}},"400":{
"$ref":"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}},"delete":{
"operationId":"deleteTopic","summary":"Delete a topic","parameters":[{"name":"topic","in":"path",
"schema":{"type":"string"},"required":true}],"responses":{"200":{"description":"Deleted","content"
:{"application/json":{"schema":{"type":"object","properties":{"status":{"type":"string","enum":[
"success"]},"message":{"type":"string"}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503"
:{"$ref":"#/components/responses/Away"}}}},"/topics/{topic}/partitions":{"get":{"operationId":
"listPartitionsOfTopic","summary":"A topic's partitions","parameters":[{"name":"topic","in":"path"
,"schema":{"type":"string"},"required":true}],"responses":{"200":{"description":"Partitions",
"content":{"application/json":{"schema":{"type":"object","properties":{"status":{"type":"string",
"enum":["success"]},"partitions":{"type":"array","items":{"type":"integer"}}}}}}},"400":{"$ref":
"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}}},
"/topics/{topic}/records":{"post":{"operationId":"sendRecords","summary":
"Send a batch; answered when it is durable","parameters":[{"name":"topic","in":"path","schema":{
"type":"string"},"required":true}],"requestBody":{"required":true,"content":{"application/json":{
"schema":{"type":"object","required":["records"],"properties":{"records":{"type":"array",
"minItems":1,"maxItems":16384,"items":{"oneOf":[{"type":"string"},{"$ref":
"#/components/schemas/NewRecord"}]}},"partition":{"type":"integer"},"producer_id":{"type":
"integer"},"sequence":{"type":"integer","description":
"Of the first record; with producer_id and partition: one batch, stored once"}}}}}},"responses":{
"200":{"description":"Stored","content":{"application/json":{"schema":{"type":"object",
"properties":{"status":{"type":"string","enum":["success"]},"count":{"type":"integer"},
"partition_ids":{"type":"array","items":{"type":"integer"}},"offsets":{"type":"array","items":{
"type":"integer"}},"partition_id":{"type":"integer"},"offset":{"type":"integer"}}}}}},"400":{
"$ref":"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"},"413":{
"$ref":"#/components/responses/TooLarge"}}}},"/topics/{topic}/partitions/{partition}/records":{
"get":{"operationId":"readRecords","summary":"Read from an offset, with long poll","parameters":[{
"name":"topic","in":"path","schema":{"type":"string"},"required":true},{"name":"partition","in":
"path","schema":{"type":"integer"},"required":true},{"name":"offset","in":"query","schema":{"type"
:"string"},"description":"A number, earliest (default) or latest"},{"name":"wait_ms","in":"query",
"schema":{"type":"integer"}},{"name":"max","in":"query","schema":{"type":"integer"}}],"responses":
{"200":{"description":"Records","content":{"application/json":{"schema":{"type":"object",
"properties":{"status":{"type":"string","enum":["success"]},"topic":{"type":"string"},
"partition_id":{"type":"integer"},"records":{"type":"array","items":{"$ref":
"#/components/schemas/Record"}},"next_offset":{"type":"integer"},"log_start":{"type":"integer"},
"high_watermark":{"type":"integer"}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{
"$ref":"#/components/responses/Away"}}}},"/topics/{topic}/positions":{"get":{"operationId":
"listPositions","summary":"A consumer's positions","parameters":[{"name":"topic","in":"path",
"schema":{"type":"string"},"required":true},{"name":"consumer_id","in":"query","schema":{"type":
"integer"},"required":true}],"responses":{"200":{"description":"Positions","content":{
"application/json":{"schema":{"type":"object","properties":{"status":{"type":"string","enum":[
"success"]},"positions":{"type":"array","items":{"type":"object","properties":{"partition_id":{
"type":"integer"},"offset":{"type":"integer"},"high_watermark":{"type":"integer"},"unread":{"type"
:"integer"}}}},"partial":{"type":"boolean"}}}}}},"400":{"$ref":"#/components/responses/Refused"},
"503":{"$ref":"#/components/responses/Away"}}}},"/topics/{topic}/partitions/{partition}/position":
{"post":{"operationId":"movePosition","summary":"Move a consumer, durably","parameters":[{"name":
"topic","in":"path","schema":{"type":"string"},"required":true},{"name":"partition","in":"path",
"schema":{"type":"integer"},"required":true}],"requestBody":{"required":true,"content":{
"application/json":{"schema":{"type":"object","properties":{"consumer_id":{"type":"integer"},
"offset":{"type":"integer"}},"required":["consumer_id","offset"]}},
"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"consumer_id":{"type"
:"integer"},"offset":{"type":"integer"}},"required":["consumer_id","offset"]}}}},"responses":{
"200":{"description":"Moved","content":{"application/json":{"schema":{"type":"object","properties"
:{"status":{"type":"string","enum":["success"]}}}}}},"400":{"$ref":
"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}}},
"/topics/{topic}/events":{"get":{"operationId":"follow","summary":
"A live tail as server-sent events","parameters":[{"name":"topic","in":"path","schema":{"type":
"string"},"required":true},{"name":"partition","in":"query","schema":{"type":"integer"}},{"name":
"from","in":"query","schema":{"type":"string"},"description":
"latest (default), earliest, or with a partition an offset"},{"name":"Last-Event-ID","in":"header"
,"schema":{"type":"string"}}],"responses":{"200":{"description":"Events","content":{
"text/event-stream":{"schema":{"type":"string"}}}},"400":{"$ref":"#/components/responses/Refused"}
}}},"/topics/{topic}/query":{"post":{"operationId":"query","summary":
"Read-only SQL on the live log","parameters":[{"name":"topic","in":"path","schema":{"type":
"string"},"required":true}],"requestBody":{"required":true,"content":{"application/json":{"schema"
:{"type":"object","properties":{"sql":{"type":"string"},"partition":{"type":"integer"},"rows_max":
{"type":"integer"}},"required":["sql"]}},"application/x-www-form-urlencoded":{"schema":{"type":
"object","properties":{"sql":{"type":"string"},"partition":{"type":"integer"},"rows_max":{"type":
"integer"}},"required":["sql"]}}}},"responses":{"200":{"description":"Rows","content":{
"application/json":{"schema":{"type":"object","properties":{"status":{"type":"string","enum":[
"success"]},"columns":{"type":"array","items":{"type":"string"}},"rows":{"type":"array","items":{
"type":"array","items":{}}},"truncated":{"type":"boolean"}}}}}},"400":{"$ref":
"#/components/responses/Refused"},"503":{"$ref":"#/components/responses/Away"}}}},"/cluster":{
"get":{"operationId":"cluster","summary":"Nodes and topics","responses":{"200":{"description":
"The cluster","content":{"application/json":{"schema":{"type":"object","properties":{"status":{
"type":"string","enum":["success"]},"cluster_id":{"type":"string"},"version":{"type":"string"},
"nodes":{"type":"array","items":{"type":"object"}},"topics":{"type":"array","items":{"type":
"object"}}}}}}},"400":{"$ref":"#/components/responses/Refused"},"503":{"$ref":
"#/components/responses/Away"}}}}},"components":{"schemas":{"Failure":{"type":"object",
"properties":{"status":{"type":"string","enum":["failure"]},"message":{"type":"string"},"code":{
"type":"string"}}},"NewRecord":{"type":"object","properties":{"value":{"type":"string"},
"value_base64":{"type":"string"},"key":{"type":"string"},"key_base64":{"type":"string"},"headers":
{},"timestamp":{"type":"integer"},"partition":{"type":"integer"}}},"Record":{"type":"object",
"properties":{"offset":{"type":"integer"},"timestamp":{"type":"integer"},"log_time":{"type":
"integer"},"key":{"type":"string"},"key_base64":{"type":"string"},"headers":{"type":"array",
"items":{"type":"array","items":{}}},"value":{"type":"string"},"value_base64":{"type":"string"},
"partition_id":{"type":"integer"}}}},"responses":{"Refused":{"description":"The caller's doing",
"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Failure"}}}},"TooLarge":{
"description":"A message or body over the limit","content":{"application/json":{"schema":{"$ref":
"#/components/schemas/Failure"}}}},"Away":{"description":
"The cluster cannot answer now; see Retry-After","content":{"application/json":{"schema":{"$ref":
"#/components/schemas/Failure"}}}}}}}
)json";
// clang-format on

}  // namespace

std::string openapi_document() { return document; }

}  // namespace pinion::gateway
