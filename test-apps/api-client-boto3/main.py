"""boto3 as its users use it, against one address for all services: main.py URL. Says what came back."""
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url = sys.argv[1]
common = {"endpoint_url": url, "region_name": "eu-west-1", "aws_access_key_id": "AKIDEXAMPLE",
          "aws_secret_access_key": "hunter2", "config": Config(retries={"max_attempts": 0})}

s3 = boto3.client("s3", **common)
s3.create_bucket(Bucket="orders", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_object(Bucket="orders", Key="2026/one", Body=b"hunter2")
print(s3.get_object(Bucket="orders", Key="2026/one")["Body"].read().decode())
print([o["Key"] for o in s3.list_objects_v2(Bucket="orders")["Contents"]])
try:
    s3.get_object(Bucket="orders", Key="none")
except ClientError as error:
    print(error.response["Error"]["Code"])
s3.delete_object(Bucket="orders", Key="2026/one")

dynamodb = boto3.client("dynamodb", **common)
dynamodb.create_table(TableName="stock", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                      AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
dynamodb.put_item(TableName="stock", Item={"id": {"S": "hunter2"}, "n": {"N": "5"}})
print(dynamodb.get_item(TableName="stock", Key={"id": {"S": "hunter2"}})["Item"]["n"]["N"])
try:
    dynamodb.get_item(TableName="none", Key={"id": {"S": "x"}})
except ClientError as error:
    print(error.response["Error"]["Code"])

sqs = boto3.client("sqs", **common)
queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
sqs.send_message(QueueUrl=queue, MessageBody="hunter2")
print(len(sqs.receive_message(QueueUrl=queue)["Messages"]))

sns = boto3.client("sns", **common)
topic = sns.create_topic(Name="news")["TopicArn"]
sns.publish(TopicArn=topic, Message="hunter2")
print(topic.rpartition(":")[2])
