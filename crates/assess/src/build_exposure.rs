//! What a build number alone says of a server: product, update, and the holes that are open in it.

use model::exposure::{
    BuildExposure, ChainExposure, Closing, DatedFact, HoleExposure, HoleState, SCHEMA, UpdateAdvice,
};

use crate::builds::{Build, Builds, Cumulative, StatedBuild};
use crate::knowledge::{Chain, Knowledge, Pack};

/// Kinds of dates that tell of a hole.
const HOLE_DATES: [&str; 4] = ["disclosed", "first-exploited", "public-exploit", "kev-added"];

/// What a build says, without any evidence of the server that runs it.
pub fn exposure_of_build(knowledge: &Knowledge, stated: StatedBuild) -> BuildExposure {
    let build = stated.lowest();
    let knows = |p: &&Pack| p.product_title(build).is_some();
    match knowledge.packs.iter().find(knows) {
        Some(pack) => known_line(pack, stated),
        None => BuildExposure {
            schema: SCHEMA.to_owned(),
            build: stated.to_string(),
            name: "not a build of a product that this content knows".to_owned(),
            product: None,
            cumulative: None,
            security: None,
            listed: false,
            support: Vec::new(),
            chains: Vec::new(),
            holes: Vec::new(),
            updates: Vec::new(),
            not_covered: Vec::new(),
        },
    }
}

/// A build of which the same is true, and which is the same for all such builds: what lists remember answers by.
pub fn representative(knowledge: &Knowledge, stated: StatedBuild) -> StatedBuild {
    let build = stated.lowest();
    match knowledge.packs.iter().find(|p| p.product_title(build).is_some()) {
        Some(pack) => match stated {
            StatedBuild::Whole(_) => StatedBuild::Whole(pack.holes.builds.representative(build)),
            StatedBuild::Cumulative(_) => stated,
        },
        None => StatedBuild::Whole(Build([0; 4])),
    }
}

fn known_line(pack: &Pack, stated: StatedBuild) -> BuildExposure {
    let build = stated.lowest();
    let builds = &pack.holes.builds;
    let place = place(builds, stated);
    let title = pack.product_title(build).unwrap_or_default();
    let covered = builds.product(build).is_some();
    let holes = if covered { holes(pack, stated) } else { Vec::new() };
    let chains = if covered { chains(pack, stated) } else { Vec::new() };
    let updates = updates(pack, stated, &holes, &chains);
    BuildExposure {
        schema: SCHEMA.to_owned(),
        build: stated.to_string(),
        name: format!("{title} {}", place.words),
        product: Some(title.to_owned()),
        cumulative: place.cumulative,
        security: place.security,
        listed: place.listed,
        support: support(pack, builds.product(build).unwrap_or_default()),
        chains,
        holes,
        updates,
        not_covered: pack.holes.facts.not_covered.clone(),
    }
}

/// Where a build stands among those that are listed.
pub(crate) struct Placed {
    pub(crate) words: String,
    pub(crate) cumulative: Option<String>,
    pub(crate) security: Option<String>,
    pub(crate) listed: bool,
}

pub(crate) fn place(builds: &Builds, stated: StatedBuild) -> Placed {
    let build = stated.lowest();
    let Some(own) = builds.own(build) else {
        return Placed {
            words: between(builds, build),
            cumulative: None,
            security: None,
            listed: false,
        };
    };
    let (security, words, listed) = match stated {
        StatedBuild::Cumulative(_) => {
            (None, format!("{}, security update not told", own.name), true)
        }
        StatedBuild::Whole(build) => within(own, build),
    };
    Placed { words, cumulative: Some(own.name.clone()), security, listed }
}

fn within(own: &Cumulative, build: Build) -> (Option<String>, String, bool) {
    let all = own.builds();
    if let Some(update) = all.get(&build) {
        let update = update.map(str::to_owned);
        let words = match &update {
            Some(update) => format!("{} {update}", own.name),
            None => own.name.clone(),
        };
        return (update, words, true);
    }
    let name = |update: Option<&str>| update.unwrap_or(&own.name).to_owned();
    let below = all.range(..build).next_back().map(|(_, update)| name(*update));
    let above = all.range(build..).next().map(|(_, update)| name(*update));
    let words = match (&below, above) {
        (Some(below), Some(above)) => format!("{}, between {below} and {above}", own.name),
        (Some(below), None) => format!("{}, newer than {below}", own.name),
        (None, _) => format!("{}, older than its release", own.name),
    };
    (None, words, false)
}

fn between(builds: &Builds, build: Build) -> String {
    match builds.neighbours(build) {
        (Some(below), Some(above)) => format!("between {} and {}", below.name, above.name),
        (Some(below), None) => format!("newer than {}", below.name),
        (None, Some(above)) => format!("older than {}", above.name),
        (None, None) => "of a version that this content does not cover".to_owned(),
    }
}

fn support(pack: &Pack, product: &str) -> Vec<DatedFact> {
    let kinds = ["eol", "esu-end"];
    kinds.iter().flat_map(|kind| pack.holes.dates.all(kind, product)).cloned().collect()
}

fn holes(pack: &Pack, stated: StatedBuild) -> Vec<HoleExposure> {
    pack.holes.ids().map(|id| hole(pack, id, stated)).collect()
}

fn hole(pack: &Pack, id: &str, stated: StatedBuild) -> HoleExposure {
    let judged = pack.holes.hole(id, stated);
    let closed_by: Vec<Closing> =
        pack.holes.closings(id, stated.lowest()).into_iter().cloned().collect();
    let updates = closed_by.iter().filter_map(|c| c.update.as_deref());
    let mut dates: Vec<DatedFact> =
        updates.flat_map(|update| pack.holes.dates.all("su", update)).cloned().collect();
    dates.extend(HOLE_DATES.iter().flat_map(|kind| pack.holes.dates.all(kind, id)).cloned());
    dates.sort_by(|a, b| a.date.cmp(&b.date).then_with(|| a.kind.cmp(&b.kind)));
    HoleExposure { id: id.to_owned(), state: judged.state, why: judged.why, closed_by, dates }
}

fn chains(pack: &Pack, stated: StatedBuild) -> Vec<ChainExposure> {
    let of_holes = pack.chains.iter().filter(|c| !c.cves.is_empty());
    let mut chains: Vec<ChainExposure> = of_holes.map(|c| chain(pack, c, stated)).collect();
    let known = |c: &ChainExposure| c.disclosed.as_ref().map(|d| d.date.clone());
    chains.sort_by(|a, b| known(a).cmp(&known(b)).then_with(|| a.id.cmp(&b.id)));
    chains
}

fn chain(pack: &Pack, chain: &Chain, stated: StatedBuild) -> ChainExposure {
    let judged = pack.holes.chain(chain.needs(), stated);
    let last_of_first = |kind: &str| {
        let first = chain.needs().iter().map(|hole| pack.holes.dates.first(kind, hole));
        first.collect::<Option<Vec<_>>>()?.into_iter().max_by(|a, b| a.date.cmp(&b.date)).cloned()
    };
    let closings = chain.needs().iter().flat_map(|hole| pack.holes.closings(hole, stated.lowest()));
    let fixed = closings
        .filter_map(|closing| pack.holes.dates.first("su", closing.update.as_deref()?))
        .min_by(|a, b| a.date.cmp(&b.date));
    ChainExposure {
        id: chain.id.clone(),
        title: chain.title.clone(),
        state: judged.state,
        why: judged.why,
        cves: chain.cves.clone(),
        exploited: last_of_first("first-exploited"),
        disclosed: last_of_first("disclosed"),
        fixed: fixed.cloned(),
    }
}

/// The last update of the build's own cumulative update, and the last of its product and of what is
/// installed over it.
fn updates(
    pack: &Pack,
    stated: StatedBuild,
    holes: &[HoleExposure],
    chains: &[ChainExposure],
) -> Vec<UpdateAdvice> {
    let build = stated.lowest();
    let builds = &pack.holes.builds;
    let family = builds.family(build);
    let product = builds.product(build);
    let own = family.iter().rfind(|c| c.build.place() == build.place());
    let of_product = family.iter().rfind(|c| Some(c.product.as_str()) == product);
    let mut advice: Vec<UpdateAdvice> = Vec::new();
    for cumulative in [own, of_product, family.last()].into_iter().flatten() {
        let all = cumulative.builds();
        let Some((last, update)) = all.last_key_value() else { continue };
        let newer = match stated {
            StatedBuild::Whole(build) => *last > build,
            StatedBuild::Cumulative(place) => last.place() >= place,
        };
        let told = advice.iter().any(|a| a.build == last.to_string());
        if newer && !told {
            let title = pack.holes.facts.products.get(&cumulative.product);
            let name = [title.map(String::as_str), Some(&cumulative.name), *update];
            let name: Vec<&str> = name.into_iter().flatten().collect();
            advice.push(worth(pack, &name.join(" "), *last, holes, chains));
        }
    }
    advice.retain(|a| a.closes_holes > 0);
    advice
}

fn worth(
    pack: &Pack,
    name: &str,
    build: Build,
    holes: &[HoleExposure],
    chains: &[ChainExposure],
) -> UpdateAdvice {
    let then = StatedBuild::Whole(build);
    let after = |hole: &str| pack.holes.hole(hole, then).state;
    let unsettled = |state: HoleState| state > HoleState::Fixed;
    let closes = |now: HoleState, then: HoleState| unsettled(now) && !unsettled(then);
    let closes_chains = chains
        .iter()
        .filter(|chain| {
            let known = pack.chains.iter().find(|c| c.id == chain.id);
            known.is_some_and(|c| closes(chain.state, pack.holes.chain(c.needs(), then).state))
        })
        .map(|chain| chain.title.clone())
        .collect();
    UpdateAdvice {
        name: name.to_owned(),
        build: build.to_string(),
        closes_chains,
        closes_holes: holes.iter().filter(|h| closes(h.state, after(&h.id))).count(),
        leaves_open: holes.iter().filter(|h| after(&h.id) == HoleState::Open).count(),
    }
}
