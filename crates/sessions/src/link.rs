//! Ties every issuance to its parent: the rules of `docs/LINKING.md` over one hour and what lies before it.
//!
//! BE ADVISED: the linked table is a pure function of the set of records. Nothing here may depend on the order in
//! which rows arrive, on how they were grouped into hours' runs, on a hash's order or on a clock. Candidates are
//! found from what the records say, never from what other rows were linked to; only then are the candidates'
//! origins compared. `tests/linking.rs` holds a naive twin of a few dozen lines that must give the same rows.

use std::cmp::Ordering;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::candidates::{Candidates, Place};
use crate::issuance::Issuance;
use crate::lineage::{self, Ancestor, Lineage};
use crate::session::{Evidence, Hop, Session};

/// The version of the linking rules. Every hour's input digest holds it, so raising it relinks the lake.
pub const LINK_VERSION: i32 = 5;

/// Links the merged rows of one hour (or any longer stretch), given the linked rows of the 36 hours before it.
///
/// `hour` is what [`merge`](crate::merge()) returned. `earlier` holds at least the rows that
/// [`Wanted`](crate::Wanted) wants; more do no harm. The result has the rows of `hour`, in their order.
pub fn link(hour: Vec<Issuance>, earlier: &[Session]) -> Vec<Session> {
    link_each(hour, earlier).collect()
}

/// As [`link`], for callers that take the rows one by one: a long stretch is never in memory twice.
pub fn link_each(hour: Vec<Issuance>, earlier: &[Session]) -> impl Iterator<Item = Session> {
    let lineages = resolve(&hour, earlier);
    hour.into_iter()
        .zip(lineages)
        .map(|(issuance, lineage)| into_session(issuance, lineage))
}

/// The order of the table: `origin_type, origin_arn, event_time, event_id, recipient_account_id`.
pub fn table_order(a: &Session, b: &Session) -> Ordering {
    fn place(session: &Session) -> impl Ord + '_ {
        let (origin, record) = (&session.origin, &session.issuance.record);
        let row = (
            record.event_time,
            &record.event_id,
            &record.recipient_account_id,
        );
        (origin.origin_type.name(), &origin.arn, row)
    }
    place(a).cmp(&place(b))
}

fn into_session(mut issuance: Issuance, lineage: Lineage) -> Session {
    let chain_mfa_lost = lineage::mfa_lost(&issuance, lineage.origin_mfa);
    issuance.session.source_identity = lineage.source_identity;
    Session {
        issuance,
        effective_tags: lineage.effective_tags,
        effective_transitive_tag_keys: lineage.effective_transitive_tag_keys,
        effective_tags_known: lineage.effective_tags_known,
        origin_mfa: lineage.origin_mfa,
        chain_mfa_lost,
        link: lineage.link,
        origin: lineage.origin,
        chain: lineage.chain,
    }
}

/// What linking finds for every row of `hour`, in its order.
pub(crate) fn resolve(hour: &[Issuance], earlier: &[Session]) -> Vec<Lineage> {
    let rows: Vec<&Issuance> = hour
        .iter()
        .chain(earlier.iter().map(|session| &session.issuance))
        .collect();
    let mut resolver = Resolver {
        hour,
        earlier,
        candidates: Candidates::among(&rows, hour.len()),
        lineages: vec![None; hour.len()],
        hops: vec![None; rows.len()],
        found: Vec::new(),
    };
    for place in 0..hour.len() as Place {
        resolver.resolve_from(place);
    }
    resolver
        .lineages
        .into_iter()
        .map(|lineage| lineage.unwrap_or_else(|| unreachable!("every row was resolved")))
        .collect()
}

struct Resolver<'a> {
    hour: &'a [Issuance],
    earlier: &'a [Session],
    candidates: Candidates<'a>,
    lineages: Vec<Option<Lineage>>,
    /// Every parent's hop, made once and shared by its children's chains.
    hops: Vec<Option<Arc<Hop>>>,
    found: Vec<Place>,
}

/// A row whose candidates are being resolved first.
struct Visit {
    place: Place,
    evidence: Option<Evidence>,
    candidates: Vec<Place>,
    next: usize,
    /// The order of discovery, and the earliest one that this row leads back to.
    discovered: u32,
    leads_back_to: u32,
}

impl Resolver<'_> {
    /// Resolves a row and everything it descends from.
    fn resolve_from(&mut self, place: Place) {
        if self.lineages[place as usize].is_some() {
            return;
        }
        let mut found = std::mem::take(&mut self.found);
        let evidence = self.candidates.of(place, &mut found);
        if found.iter().all(|&candidate| self.is_resolved(candidate)) {
            // Nearly every row: its candidates are earlier ones.
            let lineage = self.lineage_of(place, evidence, &found);
            self.lineages[place as usize] = Some(lineage);
        } else {
            self.resolve_depth_first(place, evidence, found.clone());
        }
        self.found = found;
    }

    /// Earlier rows are linked already.
    fn is_resolved(&self, place: Place) -> bool {
        self.lineages
            .get(place as usize)
            .is_none_or(Option::is_some)
    }

    /// Tarjan's components, without recursion: candidates of the same second may lead anywhere, also in circles.
    fn resolve_depth_first(
        &mut self,
        place: Place,
        evidence: Option<Evidence>,
        candidates: Vec<Place>,
    ) {
        let mut discovered: HashMap<Place, u32> = HashMap::from([(place, 0)]);
        let mut open = vec![place];
        let mut visits = vec![Visit {
            place,
            evidence,
            candidates,
            next: 0,
            discovered: 0,
            leads_back_to: 0,
        }];
        while let Some(mut visit) = visits.pop() {
            if let Some(&candidate) = visit.candidates.get(visit.next) {
                visit.next += 1;
                let known = discovered.get(&candidate).copied();
                match known {
                    _ if self.is_resolved(candidate) => visits.push(visit),
                    Some(earlier) => {
                        visit.leads_back_to = visit.leads_back_to.min(earlier);
                        visits.push(visit);
                    }
                    None => {
                        let order = discovered.len() as u32;
                        discovered.insert(candidate, order);
                        open.push(candidate);
                        visits.push(visit);
                        visits.push(self.visit(candidate, order));
                    }
                }
            } else {
                if visit.leads_back_to == visit.discovered {
                    self.close(&visit, &mut open);
                }
                if let Some(child) = visits.last_mut() {
                    child.leads_back_to = child.leads_back_to.min(visit.leads_back_to);
                }
            }
        }
    }

    fn visit(&self, place: Place, order: u32) -> Visit {
        let mut candidates = Vec::new();
        let evidence = self.candidates.of(place, &mut candidates);
        Visit {
            place,
            evidence,
            candidates,
            next: 0,
            discovered: order,
            leads_back_to: order,
        }
    }

    /// Resolves a finished component: one row, or a loop of several.
    fn close(&mut self, visit: &Visit, open: &mut Vec<Place>) {
        let first = open
            .iter()
            .rposition(|&place| place == visit.place)
            .unwrap_or_default();
        let component = open.split_off(first);
        if component.len() == 1 {
            let lineage = self.lineage_of(visit.place, visit.evidence, &visit.candidates);
            self.lineages[visit.place as usize] = Some(lineage);
            return;
        }
        for place in component {
            self.lineages[place as usize] = Some(lineage::looped(&self.hour[place as usize]));
        }
    }

    /// The lineage of a row whose candidates are all resolved.
    fn lineage_of(
        &mut self,
        place: Place,
        evidence: Option<Evidence>,
        candidates: &[Place],
    ) -> Lineage {
        let row = &self.hour[place as usize];
        let Some(evidence) = evidence else {
            return lineage::without_parent(row);
        };
        let Resolver {
            hour,
            earlier,
            lineages,
            hops,
            ..
        } = self;
        let ancestor = |&place: &Place| ancestor_at(hour, earlier, lineages, place);
        // The key is proof; what only looks like the caller's session may be another.
        let fits = |place: &Place| {
            evidence == Evidence::IssuedKey || !ancestor(place).is_ruled_out_by(row)
        };
        let mut share_hop = |place: Place| {
            let made = || Arc::new(ancestor_at(hour, earlier, lineages, place).hop());
            hops[place as usize].get_or_insert_with(made).clone()
        };
        match candidates {
            [only] if fits(only) => {
                lineage::with_candidates(row, evidence, &[ancestor(only)], |_| share_hop(*only))
            }
            several => {
                let fitting: Vec<Place> = several.iter().copied().filter(fits).collect();
                if fitting.is_empty() {
                    return lineage::without_parent(row);
                }
                let ancestors: Vec<Ancestor<'_>> = fitting.iter().map(ancestor).collect();
                lineage::with_candidates(row, evidence, &ancestors, |chosen| {
                    share_hop(fitting[chosen])
                })
            }
        }
    }
}

fn ancestor_at<'a>(
    hour: &'a [Issuance],
    earlier: &'a [Session],
    lineages: &'a [Option<Lineage>],
    place: Place,
) -> Ancestor<'a> {
    match lineages.get(place as usize) {
        Some(Some(lineage)) => Ancestor::of_lineage(&hour[place as usize], lineage),
        Some(None) => unreachable!("a candidate is resolved before its children"),
        None => Ancestor::of_session(&earlier[place as usize - hour.len()]),
    }
}
