-- Hive: a table on the files of each event, and the views of the dashboards.
-- Generated from schemas/ by `hdfs-csv ddl hive`: change it there. It can be run again.

CREATE DATABASE IF NOT EXISTS `marketplace`;

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`page_visit`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `page_id` bigint COMMENT 'Id of the visited page'
)
COMMENT 'A user viewed a product\'s page.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/page_visit'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`searching`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `query` string COMMENT 'What was typed into the search box'
)
COMMENT 'A user used the search box.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/searching'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`filtering`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `price_min` double COMMENT 'Minimum price; null when not set',
    `price_max` double COMMENT 'Maximum price; null when not set',
    `rating_min` double COMMENT 'Minimum rating; null when not set',
    `rating_max` double COMMENT 'Maximum rating; null when not set'
)
COMMENT 'A user applied filters or sorting to search results.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/filtering'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`cart_add`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `item_id` bigint COMMENT 'Id of the added item'
)
COMMENT 'A user added an item to the cart.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/cart_add'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`cart_delete`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `item_id` bigint COMMENT 'Id of the removed item'
)
COMMENT 'A user removed an item from the cart.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/cart_delete'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`ordering`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `order_id` bigint COMMENT 'Id of the order'
)
COMMENT 'A user placed an order.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/ordering'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`order_cancel`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `order_id` bigint COMMENT 'Id of the cancelled order'
)
COMMENT 'A user cancelled an order.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/order_cancel'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`review_review`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `review_id` bigint COMMENT 'Id of the review'
)
COMMENT 'A user read a review.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/review_review'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`review_creating`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `review_id` bigint COMMENT 'Id of the created review',
    `item_id` bigint COMMENT 'Id of the item that the review is about'
)
COMMENT 'A user wrote a new review.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/review_creating'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`registering`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user'
)
COMMENT 'A user registered.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/registering'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`logging_in`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `login_type` int COMMENT 'The kind of login that was used: 0 e-mail and password, 1 phone and one-time code, 2 external service'
)
COMMENT 'A user logged in to the account.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/logging_in'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`profile_edit`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user'
)
COMMENT 'A user changed profile data.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/profile_edit'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`mailing_subscription`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `subscription_type` int COMMENT 'The kind of subscription taken out: 1 all, 2 item promotions, 3 themed sales'
)
COMMENT 'A user subscribed to a mailing.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/mailing_subscription'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`support_contact`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `support_type` int COMMENT 'The way of contact: 1 mail, 2 call, 3 chat'
)
COMMENT 'A user contacted support.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/support_contact'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`recommendation_view`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `duration_seconds` double COMMENT 'Time spent viewing, in seconds'
)
COMMENT 'A user viewed recommendations.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/recommendation_view'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`sale_participation`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `sale_id` bigint COMMENT 'Id of the sale',
    `item_id` bigint COMMENT 'Id of the item bought in this sale'
)
COMMENT 'A user took part in a promotion or sale.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/sale_participation'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`item_comparison`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `first_item_id` bigint COMMENT 'Id of the one item',
    `second_item_id` bigint COMMENT 'Id of the other item',
    `comparison_type` int COMMENT 'What was compared: 0 other or several, 1 price, 2 specifications, 3 delivery date'
)
COMMENT 'A user compared items: specifications, price and other attributes.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/item_comparison'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`order_history_viewing`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `duration_seconds` double COMMENT 'Time spent viewing the history, in seconds'
)
COMMENT 'A user viewed earlier orders and their states.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/order_history_viewing'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`item_return`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `item_id` bigint COMMENT 'Id of the returned item',
    `order_id` bigint COMMENT 'Id of the order that the item belongs to',
    `reason_type` int COMMENT 'Reason for the return: 0 other (the message says), 1 defect, 2 expired, 3 wrong size, 4 low quality',
    `reason_user_message` string COMMENT 'The user\'s message about the reason; null when there is none'
)
COMMENT 'A user returned an item.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/item_return'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`promo_usage`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `coupon_id` bigint COMMENT 'Id of the used coupon or promo code',
    `order_id` bigint COMMENT 'Id of the order that the coupon was applied to'
)
COMMENT 'A coupon was used when an order was placed.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/promo_usage'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`category_view`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `category_id` bigint COMMENT 'Id of the category moved to',
    `parent_category_id` bigint COMMENT 'Id of the category moved from; null when the move did not start in a category'
)
COMMENT 'A user moved to and viewed a category or subcategory.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION '/events/category_view'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false');

MSCK REPAIR TABLE `marketplace`.`page_visit` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`searching` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`filtering` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`cart_add` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`cart_delete` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`ordering` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`order_cancel` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`review_review` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`review_creating` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`registering` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`logging_in` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`profile_edit` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`mailing_subscription` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`support_contact` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`recommendation_view` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`sale_participation` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`item_comparison` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`order_history_viewing` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`item_return` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`promo_usage` SYNC PARTITIONS;

MSCK REPAIR TABLE `marketplace`.`category_view` SYNC PARTITIONS;

CREATE OR REPLACE VIEW `marketplace`.`logging_in_named` AS
SELECT `timestamp`, `user_id`, `login_type`, CASE `login_type` WHEN 0 THEN 'e-mail and password' WHEN 1 THEN 'phone and one-time code' WHEN 2 THEN 'external service' ELSE cast(`login_type` AS string) END AS `login_type_name`, `dt`
FROM `marketplace`.`logging_in`;

CREATE OR REPLACE VIEW `marketplace`.`mailing_subscription_named` AS
SELECT `timestamp`, `user_id`, `subscription_type`, CASE `subscription_type` WHEN 1 THEN 'all' WHEN 2 THEN 'item promotions' WHEN 3 THEN 'themed sales' ELSE cast(`subscription_type` AS string) END AS `subscription_type_name`, `dt`
FROM `marketplace`.`mailing_subscription`;

CREATE OR REPLACE VIEW `marketplace`.`support_contact_named` AS
SELECT `timestamp`, `user_id`, `support_type`, CASE `support_type` WHEN 1 THEN 'mail' WHEN 2 THEN 'call' WHEN 3 THEN 'chat' ELSE cast(`support_type` AS string) END AS `support_type_name`, `dt`
FROM `marketplace`.`support_contact`;

CREATE OR REPLACE VIEW `marketplace`.`item_comparison_named` AS
SELECT `timestamp`, `user_id`, `first_item_id`, `second_item_id`, `comparison_type`, CASE `comparison_type` WHEN 0 THEN 'other or several' WHEN 1 THEN 'price' WHEN 2 THEN 'specifications' WHEN 3 THEN 'delivery date' ELSE cast(`comparison_type` AS string) END AS `comparison_type_name`, `dt`
FROM `marketplace`.`item_comparison`;

CREATE OR REPLACE VIEW `marketplace`.`item_return_named` AS
SELECT `timestamp`, `user_id`, `item_id`, `order_id`, `reason_type`, `reason_user_message`, CASE `reason_type` WHEN 0 THEN 'other (the message says)' WHEN 1 THEN 'defect' WHEN 2 THEN 'expired' WHEN 3 THEN 'wrong size' WHEN 4 THEN 'low quality' ELSE cast(`reason_type` AS string) END AS `reason_type_name`, `dt`
FROM `marketplace`.`item_return`;

CREATE OR REPLACE VIEW `marketplace`.`traffic_per_day` AS
SELECT cast(`dt` AS date) AS `day`, `event`, count(*) AS `events`, count(DISTINCT `user_id`) AS `users`
FROM (
    SELECT `dt`, 'page_visit' AS `event`, `user_id` FROM `marketplace`.`page_visit`
    UNION ALL
    SELECT `dt`, 'searching' AS `event`, `user_id` FROM `marketplace`.`searching`
    UNION ALL
    SELECT `dt`, 'filtering' AS `event`, `user_id` FROM `marketplace`.`filtering`
    UNION ALL
    SELECT `dt`, 'cart_add' AS `event`, `user_id` FROM `marketplace`.`cart_add`
    UNION ALL
    SELECT `dt`, 'cart_delete' AS `event`, `user_id` FROM `marketplace`.`cart_delete`
    UNION ALL
    SELECT `dt`, 'ordering' AS `event`, `user_id` FROM `marketplace`.`ordering`
    UNION ALL
    SELECT `dt`, 'order_cancel' AS `event`, `user_id` FROM `marketplace`.`order_cancel`
    UNION ALL
    SELECT `dt`, 'review_review' AS `event`, `user_id` FROM `marketplace`.`review_review`
    UNION ALL
    SELECT `dt`, 'review_creating' AS `event`, `user_id` FROM `marketplace`.`review_creating`
    UNION ALL
    SELECT `dt`, 'registering' AS `event`, `user_id` FROM `marketplace`.`registering`
    UNION ALL
    SELECT `dt`, 'logging_in' AS `event`, `user_id` FROM `marketplace`.`logging_in`
    UNION ALL
    SELECT `dt`, 'profile_edit' AS `event`, `user_id` FROM `marketplace`.`profile_edit`
    UNION ALL
    SELECT `dt`, 'mailing_subscription' AS `event`, `user_id` FROM `marketplace`.`mailing_subscription`
    UNION ALL
    SELECT `dt`, 'support_contact' AS `event`, `user_id` FROM `marketplace`.`support_contact`
    UNION ALL
    SELECT `dt`, 'recommendation_view' AS `event`, `user_id` FROM `marketplace`.`recommendation_view`
    UNION ALL
    SELECT `dt`, 'sale_participation' AS `event`, `user_id` FROM `marketplace`.`sale_participation`
    UNION ALL
    SELECT `dt`, 'item_comparison' AS `event`, `user_id` FROM `marketplace`.`item_comparison`
    UNION ALL
    SELECT `dt`, 'order_history_viewing' AS `event`, `user_id` FROM `marketplace`.`order_history_viewing`
    UNION ALL
    SELECT `dt`, 'item_return' AS `event`, `user_id` FROM `marketplace`.`item_return`
    UNION ALL
    SELECT `dt`, 'promo_usage' AS `event`, `user_id` FROM `marketplace`.`promo_usage`
    UNION ALL
    SELECT `dt`, 'category_view' AS `event`, `user_id` FROM `marketplace`.`category_view`
) `all_rows`
GROUP BY `dt`, `event`;

CREATE OR REPLACE VIEW `marketplace`.`active_users_per_day` AS
SELECT cast(`dt` AS date) AS `day`, count(*) AS `events`, count(DISTINCT `user_id`) AS `users`
FROM (
    SELECT `dt`, `user_id` FROM `marketplace`.`page_visit`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`searching`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`filtering`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`cart_add`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`cart_delete`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`ordering`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`order_cancel`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`review_review`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`review_creating`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`registering`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`logging_in`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`profile_edit`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`mailing_subscription`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`support_contact`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`recommendation_view`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`sale_participation`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`item_comparison`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`order_history_viewing`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`item_return`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`promo_usage`
    UNION ALL
    SELECT `dt`, `user_id` FROM `marketplace`.`category_view`
) `all_rows`
GROUP BY `dt`;

CREATE OR REPLACE VIEW `marketplace`.`codes_per_day` AS
SELECT cast(`dt` AS date) AS `day`, `event`, `code`, `code_name`, count(*) AS `events`, count(DISTINCT `user_id`) AS `users`
FROM (
    SELECT `dt`, 'logging_in' AS `event`, `login_type` AS `code`, CASE `login_type` WHEN 0 THEN 'e-mail and password' WHEN 1 THEN 'phone and one-time code' WHEN 2 THEN 'external service' ELSE cast(`login_type` AS string) END AS `code_name`, `user_id` FROM `marketplace`.`logging_in`
    UNION ALL
    SELECT `dt`, 'mailing_subscription' AS `event`, `subscription_type` AS `code`, CASE `subscription_type` WHEN 1 THEN 'all' WHEN 2 THEN 'item promotions' WHEN 3 THEN 'themed sales' ELSE cast(`subscription_type` AS string) END AS `code_name`, `user_id` FROM `marketplace`.`mailing_subscription`
    UNION ALL
    SELECT `dt`, 'support_contact' AS `event`, `support_type` AS `code`, CASE `support_type` WHEN 1 THEN 'mail' WHEN 2 THEN 'call' WHEN 3 THEN 'chat' ELSE cast(`support_type` AS string) END AS `code_name`, `user_id` FROM `marketplace`.`support_contact`
    UNION ALL
    SELECT `dt`, 'item_comparison' AS `event`, `comparison_type` AS `code`, CASE `comparison_type` WHEN 0 THEN 'other or several' WHEN 1 THEN 'price' WHEN 2 THEN 'specifications' WHEN 3 THEN 'delivery date' ELSE cast(`comparison_type` AS string) END AS `code_name`, `user_id` FROM `marketplace`.`item_comparison`
    UNION ALL
    SELECT `dt`, 'item_return' AS `event`, `reason_type` AS `code`, CASE `reason_type` WHEN 0 THEN 'other (the message says)' WHEN 1 THEN 'defect' WHEN 2 THEN 'expired' WHEN 3 THEN 'wrong size' WHEN 4 THEN 'low quality' ELSE cast(`reason_type` AS string) END AS `code_name`, `user_id` FROM `marketplace`.`item_return`
) `all_rows`
GROUP BY `dt`, `event`, `code`, `code_name`;

CREATE OR REPLACE VIEW `marketplace`.`purchase_funnel_per_day` AS
SELECT cast(`dt` AS date) AS `day`, `step`, `step_name`, count(*) AS `events`, count(DISTINCT `user_id`) AS `users`
FROM (
    SELECT `dt`, 1 AS `step`, 'visited or searched' AS `step_name`, `user_id` FROM `marketplace`.`page_visit`
    UNION ALL
    SELECT `dt`, 1 AS `step`, 'visited or searched' AS `step_name`, `user_id` FROM `marketplace`.`searching`
    UNION ALL
    SELECT `dt`, 2 AS `step`, 'added to cart' AS `step_name`, `user_id` FROM `marketplace`.`cart_add`
    UNION ALL
    SELECT `dt`, 3 AS `step`, 'ordered' AS `step_name`, `user_id` FROM `marketplace`.`ordering`
) `all_rows`
GROUP BY `dt`, `step`, `step_name`;

CREATE OR REPLACE VIEW `marketplace`.`orders_per_day` AS
SELECT cast(`dt` AS date) AS `day`, count(CASE WHEN `event` = 'ordering' THEN 1 END) AS `orders`, count(CASE WHEN `event` = 'order_cancel' THEN 1 END) AS `order_cancels`, count(CASE WHEN `event` = 'item_return' THEN 1 END) AS `item_returns`, count(CASE WHEN `event` = 'promo_usage' THEN 1 END) AS `promo_uses`
FROM (
    SELECT `dt`, 'ordering' AS `event`, `user_id` FROM `marketplace`.`ordering`
    UNION ALL
    SELECT `dt`, 'order_cancel' AS `event`, `user_id` FROM `marketplace`.`order_cancel`
    UNION ALL
    SELECT `dt`, 'item_return' AS `event`, `user_id` FROM `marketplace`.`item_return`
    UNION ALL
    SELECT `dt`, 'promo_usage' AS `event`, `user_id` FROM `marketplace`.`promo_usage`
) `all_rows`
GROUP BY `dt`;
