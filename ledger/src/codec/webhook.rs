//! Encoding of webhooks: their commands and records.

use super::{CodecError, common, wire};
use crate::change::ChangeId;
use crate::ids::{EventId, Request, UserId, WebhookId};
use crate::time::Timestamp;
use crate::webhooks::{Webhook, WebhookCommand, WebhookCursor, WebhookDelivery, WebhookReport};
use wire::webhook_command::Command as Wire;

pub fn command(command: &WebhookCommand) -> wire::WebhookCommand {
    let command = match command {
        WebhookCommand::Put { request, webhook: hook, after } => Wire::Put(wire::PutWebhook {
            request: Some(common::request(*request)),
            webhook: Some(webhook(hook)),
            after: after.iter().copied().map(place).collect(),
        }),
        WebhookCommand::Rotate { request, webhook } => Wire::Rotate(asked(*request, *webhook, None)),
        WebhookCommand::Delete { request, webhook } => Wire::Delete(asked(*request, *webhook, None)),
        WebhookCommand::Seek { request, webhook, after } => Wire::Seek(asked(*request, *webhook, Some(*after))),
        WebhookCommand::Report(report) => Wire::Report(wire::WebhookReport {
            webhook: Some(common::id(report.webhook.0)),
            from: Some(place(report.from)),
            to: Some(place(report.to)),
            deliveries: report.deliveries.iter().map(delivery).collect(),
            next_try_us: report.next_try.map(|at| at.0),
        }),
    };
    wire::WebhookCommand { command: Some(command) }
}

pub fn read_command(command: wire::WebhookCommand) -> Result<WebhookCommand, CodecError> {
    Ok(match command.command.ok_or_else(|| CodecError::broken("no webhook command"))? {
        Wire::Put(put) => WebhookCommand::Put {
            request: common::read_request(put.request)?,
            webhook: read_webhook(put.webhook.ok_or_else(|| CodecError::broken("no webhook"))?)?,
            after: put.after.into_iter().map(|after| read_place(Some(after))).collect::<Result<_, _>>()?,
        },
        Wire::Rotate(asked) => {
            let (request, webhook) = read_asked(&asked)?;
            WebhookCommand::Rotate { request, webhook }
        }
        Wire::Delete(asked) => {
            let (request, webhook) = read_asked(&asked)?;
            WebhookCommand::Delete { request, webhook }
        }
        Wire::Seek(asked) => {
            let (request, webhook) = read_asked(&asked)?;
            WebhookCommand::Seek { request, webhook, after: read_place(asked.after)? }
        }
        Wire::Report(report) => WebhookCommand::Report(WebhookReport {
            webhook: WebhookId(common::read_id(report.webhook)?),
            from: read_place(report.from)?,
            to: read_place(report.to)?,
            deliveries: report.deliveries.into_iter().map(read_delivery).collect::<Result<_, _>>()?,
            next_try: report.next_try_us.map(Timestamp),
        }),
    })
}

pub fn webhook(hook: &Webhook) -> wire::Webhook {
    wire::Webhook {
        id: Some(common::id(hook.id.0)),
        owner: Some(common::id(hook.owner.0)),
        all_events: hook.all_events,
        url: hook.url.clone(),
        types: hook.types.clone(),
        event: hook.event.map(|event| common::id(event.0)),
        active: hook.active,
        secret_epoch: hook.secret_epoch,
        old_secret_until_us: hook.old_secret_until.0,
        created_at_us: hook.created_at.0,
        given_up_at_us: hook.given_up_at.map(|at| at.0),
        version: hook.version,
    }
}

pub fn read_webhook(hook: wire::Webhook) -> Result<Webhook, CodecError> {
    Ok(Webhook {
        id: WebhookId(common::read_id(hook.id)?),
        owner: UserId(common::read_id(hook.owner)?),
        all_events: hook.all_events,
        url: hook.url,
        types: hook.types,
        event: hook.event.map(|event| common::read_id(Some(event)).map(EventId)).transpose()?,
        active: hook.active,
        secret_epoch: hook.secret_epoch,
        old_secret_until: Timestamp(hook.old_secret_until_us),
        created_at: Timestamp(hook.created_at_us),
        given_up_at: hook.given_up_at_us.map(Timestamp),
        version: hook.version,
    })
}

pub fn cursor(cursor: &WebhookCursor) -> wire::WebhookCursor {
    wire::WebhookCursor {
        webhook: Some(common::id(cursor.webhook.0)),
        after: Some(place(cursor.after)),
        failures: cursor.failures,
        failing_since_us: cursor.failing_since.0,
        next_try_us: cursor.next_try.0,
        recent: cursor.recent.iter().map(delivery).collect(),
    }
}

pub fn read_cursor(cursor: wire::WebhookCursor) -> Result<WebhookCursor, CodecError> {
    Ok(WebhookCursor {
        webhook: WebhookId(common::read_id(cursor.webhook)?),
        after: read_place(cursor.after)?,
        failures: cursor.failures,
        failing_since: Timestamp(cursor.failing_since_us),
        next_try: Timestamp(cursor.next_try_us),
        recent: cursor.recent.into_iter().map(read_delivery).collect::<Result<_, _>>()?,
    })
}

fn delivery(delivery: &WebhookDelivery) -> wire::WebhookDelivery {
    wire::WebhookDelivery {
        message: delivery.message.clone(),
        r#type: delivery.kind.clone(),
        at_us: delivery.at.0,
        attempts: delivery.attempts,
        status: delivery.status.into(),
        error: delivery.error.clone(),
    }
}

fn read_delivery(delivery: wire::WebhookDelivery) -> Result<WebhookDelivery, CodecError> {
    Ok(WebhookDelivery {
        message: delivery.message,
        kind: delivery.r#type,
        at: Timestamp(delivery.at_us),
        attempts: delivery.attempts,
        status: common::read_u16(delivery.status)?,
        error: delivery.error,
    })
}

fn place(place: ChangeId) -> wire::ChangePlace {
    wire::ChangePlace { group: place.group, index: place.index, number: place.number }
}

fn read_place(place: Option<wire::ChangePlace>) -> Result<ChangeId, CodecError> {
    let place = place.ok_or_else(|| CodecError::broken("a place is missing"))?;
    Ok(ChangeId { group: place.group, index: place.index, number: place.number })
}

fn asked(request: Request, webhook: WebhookId, after: Option<ChangeId>) -> wire::WebhookRequest {
    let (request, webhook) = (Some(common::request(request)), Some(common::id(webhook.0)));
    wire::WebhookRequest { request, webhook, after: after.map(place) }
}

fn read_asked(asked: &wire::WebhookRequest) -> Result<(Request, WebhookId), CodecError> {
    Ok((common::read_request(asked.request)?, WebhookId(common::read_id(asked.webhook)?)))
}
