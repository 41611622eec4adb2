-- ClickHouse: the events' tables, what is counted as rows come, and the views of the dashboards.
-- Generated from schemas/ by `hdfs-csv ddl clickhouse`: change it there. It can be run again.

CREATE DATABASE IF NOT EXISTS `marketplace`;

CREATE TABLE IF NOT EXISTS `marketplace`.`page_visit`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `page_id` Int64 COMMENT 'Id of the visited page'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user viewed a product\'s page.';

CREATE TABLE IF NOT EXISTS `marketplace`.`searching`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `query` String COMMENT 'What was typed into the search box'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user used the search box.';

CREATE TABLE IF NOT EXISTS `marketplace`.`filtering`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `price_min` Nullable(Float64) COMMENT 'Minimum price; null when not set',
    `price_max` Nullable(Float64) COMMENT 'Maximum price; null when not set',
    `rating_min` Nullable(Float64) COMMENT 'Minimum rating; null when not set',
    `rating_max` Nullable(Float64) COMMENT 'Maximum rating; null when not set'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user applied filters or sorting to search results.';

CREATE TABLE IF NOT EXISTS `marketplace`.`cart_add`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `item_id` Int64 COMMENT 'Id of the added item'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user added an item to the cart.';

CREATE TABLE IF NOT EXISTS `marketplace`.`cart_delete`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `item_id` Int64 COMMENT 'Id of the removed item'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user removed an item from the cart.';

CREATE TABLE IF NOT EXISTS `marketplace`.`ordering`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `order_id` Int64 COMMENT 'Id of the order'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user placed an order.';

CREATE TABLE IF NOT EXISTS `marketplace`.`order_cancel`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `order_id` Int64 COMMENT 'Id of the cancelled order'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user cancelled an order.';

CREATE TABLE IF NOT EXISTS `marketplace`.`review_review`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `review_id` Int64 COMMENT 'Id of the review'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user read a review.';

CREATE TABLE IF NOT EXISTS `marketplace`.`review_creating`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `review_id` Int64 COMMENT 'Id of the created review',
    `item_id` Int64 COMMENT 'Id of the item that the review is about'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user wrote a new review.';

CREATE TABLE IF NOT EXISTS `marketplace`.`registering`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user registered.';

CREATE TABLE IF NOT EXISTS `marketplace`.`logging_in`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `login_type` Int32 COMMENT 'The kind of login that was used: 0 e-mail and password, 1 phone and one-time code, 2 external service'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user logged in to the account.';

CREATE TABLE IF NOT EXISTS `marketplace`.`profile_edit`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user changed profile data.';

CREATE TABLE IF NOT EXISTS `marketplace`.`mailing_subscription`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `subscription_type` Int32 COMMENT 'The kind of subscription taken out: 1 all, 2 item promotions, 3 themed sales'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user subscribed to a mailing.';

CREATE TABLE IF NOT EXISTS `marketplace`.`support_contact`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `support_type` Int32 COMMENT 'The way of contact: 1 mail, 2 call, 3 chat'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user contacted support.';

CREATE TABLE IF NOT EXISTS `marketplace`.`recommendation_view`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `duration_seconds` Float64 COMMENT 'Time spent viewing, in seconds'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user viewed recommendations.';

CREATE TABLE IF NOT EXISTS `marketplace`.`sale_participation`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `sale_id` Int64 COMMENT 'Id of the sale',
    `item_id` Int64 COMMENT 'Id of the item bought in this sale'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user took part in a promotion or sale.';

CREATE TABLE IF NOT EXISTS `marketplace`.`item_comparison`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `first_item_id` Int64 COMMENT 'Id of the one item',
    `second_item_id` Int64 COMMENT 'Id of the other item',
    `comparison_type` Int32 COMMENT 'What was compared: 0 other or several, 1 price, 2 specifications, 3 delivery date'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user compared items: specifications, price and other attributes.';

CREATE TABLE IF NOT EXISTS `marketplace`.`order_history_viewing`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `duration_seconds` Float64 COMMENT 'Time spent viewing the history, in seconds'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user viewed earlier orders and their states.';

CREATE TABLE IF NOT EXISTS `marketplace`.`item_return`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `item_id` Int64 COMMENT 'Id of the returned item',
    `order_id` Int64 COMMENT 'Id of the order that the item belongs to',
    `reason_type` Int32 COMMENT 'Reason for the return: 0 other (the message says), 1 defect, 2 expired, 3 wrong size, 4 low quality',
    `reason_user_message` Nullable(String) COMMENT 'The user\'s message about the reason; null when there is none'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user returned an item.';

CREATE TABLE IF NOT EXISTS `marketplace`.`promo_usage`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `coupon_id` Int64 COMMENT 'Id of the used coupon or promo code',
    `order_id` Int64 COMMENT 'Id of the order that the coupon was applied to'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A coupon was used when an order was placed.';

CREATE TABLE IF NOT EXISTS `marketplace`.`category_view`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `category_id` Int64 COMMENT 'Id of the category moved to',
    `parent_category_id` Nullable(Int64) COMMENT 'Id of the category moved from; null when the move did not start in a category'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user moved to and viewed a category or subcategory.';

CREATE TABLE IF NOT EXISTS `marketplace`.`activity_by_hour`
(
    `hour` DateTime('UTC') COMMENT 'When, UTC',
    `event` LowCardinality(String) COMMENT 'The event: its table',
    `code` Int32 COMMENT 'The value of the event\'s field of codes; 0 for an event without one',
    `events` SimpleAggregateFunction(sum, UInt64) COMMENT 'How many',
    `users` AggregateFunction(uniq, Int64) COMMENT 'Of how many users: uniqMerge(users)'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(`hour`)
ORDER BY (`hour`, `event`, `code`)
COMMENT 'Events and distinct users by hour, event and code, counted as rows come.';

CREATE TABLE IF NOT EXISTS `marketplace`.`activity_by_day`
(
    `day` Date COMMENT 'When, UTC',
    `event` LowCardinality(String) COMMENT 'The event: its table',
    `code` Int32 COMMENT 'The value of the event\'s field of codes; 0 for an event without one',
    `events` SimpleAggregateFunction(sum, UInt64) COMMENT 'How many',
    `users` AggregateFunction(uniq, Int64) COMMENT 'Of how many users: uniqMerge(users)'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(`day`)
ORDER BY (`day`, `event`, `code`)
COMMENT 'Events and distinct users by day, event and code, counted as rows come.';

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`activity_by_hour_to_day` TO `marketplace`.`activity_by_day` AS
SELECT toDate(`hour`) AS `day`, `event`, `code`, sum(`events`) AS `events`, uniqMergeState(`users`) AS `users`
FROM `marketplace`.`activity_by_hour`
GROUP BY `day`, `event`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`page_visit_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'page_visit' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`page_visit`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`searching_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'searching' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`searching`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`filtering_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'filtering' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`filtering`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`cart_add_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'cart_add' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`cart_add`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`cart_delete_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'cart_delete' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`cart_delete`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`ordering_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'ordering' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`ordering`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`order_cancel_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'order_cancel' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`order_cancel`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`review_review_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'review_review' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`review_review`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`review_creating_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'review_creating' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`review_creating`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`registering_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'registering' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`registering`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`logging_in_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'logging_in' AS `event`, `login_type` AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`logging_in`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`profile_edit_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'profile_edit' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`profile_edit`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`mailing_subscription_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'mailing_subscription' AS `event`, `subscription_type` AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`mailing_subscription`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`support_contact_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'support_contact' AS `event`, `support_type` AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`support_contact`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`recommendation_view_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'recommendation_view' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`recommendation_view`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`sale_participation_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'sale_participation' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`sale_participation`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`item_comparison_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'item_comparison' AS `event`, `comparison_type` AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`item_comparison`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`order_history_viewing_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'order_history_viewing' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`order_history_viewing`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`item_return_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'item_return' AS `event`, `reason_type` AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`item_return`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`promo_usage_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'promo_usage' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`promo_usage`
GROUP BY `hour`, `code`;

CREATE MATERIALIZED VIEW IF NOT EXISTS `marketplace`.`category_view_to_activity_by_hour` TO `marketplace`.`activity_by_hour` AS
SELECT toStartOfHour(`timestamp`) AS `hour`, 'category_view' AS `event`, toInt32(0) AS `code`, count() AS `events`, uniqState(`user_id`) AS `users`
FROM `marketplace`.`category_view`
GROUP BY `hour`, `code`;

CREATE OR REPLACE VIEW `marketplace`.`logging_in_named` AS
SELECT `timestamp`, `user_id`, `login_type`, CASE `login_type` WHEN 0 THEN 'e-mail and password' WHEN 1 THEN 'phone and one-time code' WHEN 2 THEN 'external service' ELSE toString(`login_type`) END AS `login_type_name`
FROM `marketplace`.`logging_in`;

CREATE OR REPLACE VIEW `marketplace`.`mailing_subscription_named` AS
SELECT `timestamp`, `user_id`, `subscription_type`, CASE `subscription_type` WHEN 1 THEN 'all' WHEN 2 THEN 'item promotions' WHEN 3 THEN 'themed sales' ELSE toString(`subscription_type`) END AS `subscription_type_name`
FROM `marketplace`.`mailing_subscription`;

CREATE OR REPLACE VIEW `marketplace`.`support_contact_named` AS
SELECT `timestamp`, `user_id`, `support_type`, CASE `support_type` WHEN 1 THEN 'mail' WHEN 2 THEN 'call' WHEN 3 THEN 'chat' ELSE toString(`support_type`) END AS `support_type_name`
FROM `marketplace`.`support_contact`;

CREATE OR REPLACE VIEW `marketplace`.`item_comparison_named` AS
SELECT `timestamp`, `user_id`, `first_item_id`, `second_item_id`, `comparison_type`, CASE `comparison_type` WHEN 0 THEN 'other or several' WHEN 1 THEN 'price' WHEN 2 THEN 'specifications' WHEN 3 THEN 'delivery date' ELSE toString(`comparison_type`) END AS `comparison_type_name`
FROM `marketplace`.`item_comparison`;

CREATE OR REPLACE VIEW `marketplace`.`item_return_named` AS
SELECT `timestamp`, `user_id`, `item_id`, `order_id`, `reason_type`, `reason_user_message`, CASE `reason_type` WHEN 0 THEN 'other (the message says)' WHEN 1 THEN 'defect' WHEN 2 THEN 'expired' WHEN 3 THEN 'wrong size' WHEN 4 THEN 'low quality' ELSE toString(`reason_type`) END AS `reason_type_name`
FROM `marketplace`.`item_return`;

CREATE OR REPLACE VIEW `marketplace`.`traffic_per_hour` AS
SELECT `hour`, `event`, sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_hour`
GROUP BY `hour`, `event`;

CREATE OR REPLACE VIEW `marketplace`.`active_users_per_hour` AS
SELECT `hour`, sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_hour`
GROUP BY `hour`;

CREATE OR REPLACE VIEW `marketplace`.`codes_per_hour` AS
SELECT `hour`, `event`, `code`,
    CASE `event`
        WHEN 'logging_in' THEN CASE `code` WHEN 0 THEN 'e-mail and password' WHEN 1 THEN 'phone and one-time code' WHEN 2 THEN 'external service' ELSE toString(`code`) END
        WHEN 'mailing_subscription' THEN CASE `code` WHEN 1 THEN 'all' WHEN 2 THEN 'item promotions' WHEN 3 THEN 'themed sales' ELSE toString(`code`) END
        WHEN 'support_contact' THEN CASE `code` WHEN 1 THEN 'mail' WHEN 2 THEN 'call' WHEN 3 THEN 'chat' ELSE toString(`code`) END
        WHEN 'item_comparison' THEN CASE `code` WHEN 0 THEN 'other or several' WHEN 1 THEN 'price' WHEN 2 THEN 'specifications' WHEN 3 THEN 'delivery date' ELSE toString(`code`) END
        WHEN 'item_return' THEN CASE `code` WHEN 0 THEN 'other (the message says)' WHEN 1 THEN 'defect' WHEN 2 THEN 'expired' WHEN 3 THEN 'wrong size' WHEN 4 THEN 'low quality' ELSE toString(`code`) END
        ELSE toString(`code`)
    END AS `code_name`,
    sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_hour`
WHERE `event` IN ('logging_in', 'mailing_subscription', 'support_contact', 'item_comparison', 'item_return')
GROUP BY `hour`, `event`, `code`;

CREATE OR REPLACE VIEW `marketplace`.`purchase_funnel_per_hour` AS
SELECT `hour`,
    CASE WHEN `event` IN ('page_visit', 'searching') THEN 1 WHEN `event` IN ('cart_add') THEN 2 ELSE 3 END AS `step`,
    CASE WHEN `event` IN ('page_visit', 'searching') THEN 'visited or searched' WHEN `event` IN ('cart_add') THEN 'added to cart' ELSE 'ordered' END AS `step_name`,
    sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_hour`
WHERE `event` IN ('page_visit', 'searching', 'cart_add', 'ordering')
GROUP BY `hour`, `step`, `step_name`;

CREATE OR REPLACE VIEW `marketplace`.`orders_per_hour` AS
SELECT `hour`,
    sumIf(`events`, `event` = 'ordering') AS `orders`,
    sumIf(`events`, `event` = 'order_cancel') AS `order_cancels`,
    sumIf(`events`, `event` = 'item_return') AS `item_returns`,
    sumIf(`events`, `event` = 'promo_usage') AS `promo_uses`
FROM `marketplace`.`activity_by_hour`
WHERE `event` IN ('ordering', 'order_cancel', 'item_return', 'promo_usage')
GROUP BY `hour`;

CREATE OR REPLACE VIEW `marketplace`.`traffic_per_day` AS
SELECT `day`, `event`, sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_day`
GROUP BY `day`, `event`;

CREATE OR REPLACE VIEW `marketplace`.`active_users_per_day` AS
SELECT `day`, sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_day`
GROUP BY `day`;

CREATE OR REPLACE VIEW `marketplace`.`codes_per_day` AS
SELECT `day`, `event`, `code`,
    CASE `event`
        WHEN 'logging_in' THEN CASE `code` WHEN 0 THEN 'e-mail and password' WHEN 1 THEN 'phone and one-time code' WHEN 2 THEN 'external service' ELSE toString(`code`) END
        WHEN 'mailing_subscription' THEN CASE `code` WHEN 1 THEN 'all' WHEN 2 THEN 'item promotions' WHEN 3 THEN 'themed sales' ELSE toString(`code`) END
        WHEN 'support_contact' THEN CASE `code` WHEN 1 THEN 'mail' WHEN 2 THEN 'call' WHEN 3 THEN 'chat' ELSE toString(`code`) END
        WHEN 'item_comparison' THEN CASE `code` WHEN 0 THEN 'other or several' WHEN 1 THEN 'price' WHEN 2 THEN 'specifications' WHEN 3 THEN 'delivery date' ELSE toString(`code`) END
        WHEN 'item_return' THEN CASE `code` WHEN 0 THEN 'other (the message says)' WHEN 1 THEN 'defect' WHEN 2 THEN 'expired' WHEN 3 THEN 'wrong size' WHEN 4 THEN 'low quality' ELSE toString(`code`) END
        ELSE toString(`code`)
    END AS `code_name`,
    sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_day`
WHERE `event` IN ('logging_in', 'mailing_subscription', 'support_contact', 'item_comparison', 'item_return')
GROUP BY `day`, `event`, `code`;

CREATE OR REPLACE VIEW `marketplace`.`purchase_funnel_per_day` AS
SELECT `day`,
    CASE WHEN `event` IN ('page_visit', 'searching') THEN 1 WHEN `event` IN ('cart_add') THEN 2 ELSE 3 END AS `step`,
    CASE WHEN `event` IN ('page_visit', 'searching') THEN 'visited or searched' WHEN `event` IN ('cart_add') THEN 'added to cart' ELSE 'ordered' END AS `step_name`,
    sum(`events`) AS `events`, uniqMerge(`users`) AS `users`
FROM `marketplace`.`activity_by_day`
WHERE `event` IN ('page_visit', 'searching', 'cart_add', 'ordering')
GROUP BY `day`, `step`, `step_name`;

CREATE OR REPLACE VIEW `marketplace`.`orders_per_day` AS
SELECT `day`,
    sumIf(`events`, `event` = 'ordering') AS `orders`,
    sumIf(`events`, `event` = 'order_cancel') AS `order_cancels`,
    sumIf(`events`, `event` = 'item_return') AS `item_returns`,
    sumIf(`events`, `event` = 'promo_usage') AS `promo_uses`
FROM `marketplace`.`activity_by_day`
WHERE `event` IN ('ordering', 'order_cancel', 'item_return', 'promo_usage')
GROUP BY `day`;
