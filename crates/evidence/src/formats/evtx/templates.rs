//! Templates, each compiled once for a file: most records use one of a few.
//!
//! A chunk brings the definitions that its records use, the same ones again and again, and only the offsets of
//! names differ. A definition is taken for one that is known if all else of it is equal byte by byte and every
//! offset leads to the same name: a file that lies about GUID and size gets what its own bytes say, and since
//! no template outlives its file, no file tells another anything.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::binxml::{self, Definition, Item, Reader};
use super::layout::{Builder, Built, Layout, NameUse, Place};

/// Bytes that the templates of a file may take; a file that has more compiles the rest for each chunk.
const MAX_KEPT: usize = 16 << 20;
/// Variants that are kept of one GUID, size and place.
const MAX_VARIANTS: usize = 8;
/// Bytes of definitions that are compared and compiled for one chunk: sixteen times all that is in it.
const MAX_COMPILED: usize = 1 << 20;

/// A template, compiled for a place.
#[derive(Debug)]
pub(super) struct Template {
    pub layout: Layout,
    body: Box<[u8]>,
    /// Where it uses which names; places are those in the body.
    names: Vec<NameUse>,
}

/// What tells templates apart before their bodies are compared.
type Key = ([u8; 16], usize, Place);

/// The templates of a file.
#[derive(Debug, Default)]
pub(super) struct Templates(RwLock<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_key: BTreeMap<Key, Vec<Arc<Template>>>,
    size: usize,
}

/// The templates of a chunk, by the place of their definition in it; `None` for one that is broken.
pub(super) struct OfChunk<'f> {
    of_file: &'f Templates,
    by_definition: BTreeMap<(usize, Place), Option<Arc<Template>>>,
    compiled: usize,
}

impl Templates {
    /// Those of one of the file's chunks.
    pub(super) fn of_chunk(&self) -> OfChunk<'_> {
        OfChunk { of_file: self, by_definition: BTreeMap::new(), compiled: 0 }
    }

    fn keep(&self, key: Key, template: &Arc<Template>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let size = template.size();
        if kept.size + size > MAX_KEPT {
            return;
        }
        let variants = kept.by_key.entry(key).or_default();
        if variants.len() < MAX_VARIANTS {
            variants.push(Arc::clone(template));
            kept.size += size;
        }
    }
}

impl OfChunk<'_> {
    /// The template that is defined at an offset of the chunk.
    pub(super) fn get(
        &mut self,
        chunk: &[u8],
        definition: usize,
        place: Place,
    ) -> Option<Arc<Template>> {
        if let Some(known) = self.by_definition.get(&(definition, place)) {
            return known.clone();
        }
        let found = self.find(chunk, definition, place);
        self.by_definition.insert((definition, place), found.clone());
        found
    }

    fn find(&mut self, chunk: &[u8], place_of: usize, place: Place) -> Option<Arc<Template>> {
        let definition = binxml::definition(chunk, place_of)?;
        let key = (definition.guid, definition.body.len(), place);
        let kept = self.of_file.0.read().unwrap_or_else(PoisonError::into_inner);
        for template in kept.by_key.get(&key).into_iter().flatten() {
            self.spend(&definition)?;
            if template.is(chunk, &definition) {
                return Some(Arc::clone(template));
            }
        }
        drop(kept);
        self.spend(&definition)?;
        let template = Arc::new(compile(chunk, &definition, place)?);
        self.of_file.keep(key, &template);
        Some(template)
    }

    fn spend(&mut self, definition: &Definition<'_>) -> Option<()> {
        self.compiled += definition.body.len();
        (self.compiled <= MAX_COMPILED).then_some(())
    }
}

fn compile(chunk: &[u8], definition: &Definition<'_>, place: Place) -> Option<Template> {
    let body_at = definition.body_at;
    let mut reader = Reader::new(chunk, body_at..body_at + definition.body.len());
    let Item::Element = reader.next_item()? else { return None };
    let mut builder = Builder::new(place, true);
    reader.element(true, &mut builder)?;
    let Built { layout, mut names, .. } = builder.finish();
    for name in &mut names {
        name.at = name.at.checked_sub(body_at)?;
    }
    Some(Template { layout, body: definition.body.into(), names })
}

impl Template {
    /// Whether a definition says the same.
    fn is(&self, chunk: &[u8], definition: &Definition<'_>) -> bool {
        let same =
            |from: usize, to: usize| definition.body.get(from..to) == self.body.get(from..to);
        let mut from = 0;
        for name in &self.names {
            let place = definition.body_at + name.at;
            let Some(stated) = binxml::name_at(chunk, place) else { return false };
            if !same(from, name.at) || stated.inline != name.inline || stated.units != &*name.units
            {
                return false;
            }
            // Behind an offset whose name follows stands the offset of another name.
            from = name.at + if name.inline { 8 } else { 4 };
        }
        same(from, self.body.len())
    }

    fn size(&self) -> usize {
        let names: usize =
            self.names.iter().map(|name| size_of::<NameUse>() + name.units.len()).sum();
        size_of::<Self>() + self.layout.size() + self.body.len() + names
    }
}
