use std::time::Instant;
fn main(){ let mut files:Vec<_>=std::fs::read_dir("/tmp/mp12").unwrap().map(|f|f.unwrap().path()).collect(); files.sort();
let bytes:Vec<_>=files.iter().map(|f|std::fs::read(f).unwrap()).collect();
for _ in 0..2 { let t=Instant::now(); let mut mb=0; for b in &bytes { mb+=b.len(); let p=similard::vision::jpeg::eighth(b).unwrap(); std::hint::black_box(&p);} 
println!("eighth {:.1} ms, {:.1} MB each", t.elapsed().as_secs_f64()*1e3/bytes.len() as f64, mb as f64/1e6/bytes.len() as f64);}
let t=Instant::now(); for b in &bytes { std::hint::black_box(similard::vision::identify::identify(b,&Default::default()).unwrap()); } println!("identify {:.1}", t.elapsed().as_secs_f64()*1e3/bytes.len() as f64);
let t=Instant::now(); for b in &bytes[..8] { let mut d=jpeg_decoder::Decoder::new(&b[..]); d.scale(500,375).unwrap(); std::hint::black_box(d.decode().unwrap()); } println!("jpeg-decoder 1/8 {:.1}", t.elapsed().as_secs_f64()*1e3/8.);
let b=similard::vision::backbone::Backbone::embedded().unwrap(); let mut r=b.runner().unwrap(); let p=similard::vision::jpeg::eighth(&bytes[0]).unwrap();
let t=Instant::now(); for _ in 0..20 { std::hint::black_box(r.features(&p).unwrap()); } println!("features {:.1}", t.elapsed().as_secs_f64()*1e3/20.);
let d=similard::vision::decode::decode(&bytes[0],&Default::default()).unwrap(); image::RgbImage::from_raw(d.picture.dimensions.width,d.picture.dimensions.height,d.picture.rgb).unwrap().save("/tmp/d0.png").unwrap();
let d=similard::vision::decode::decode(&bytes[11],&Default::default()).unwrap(); image::RgbImage::from_raw(d.picture.dimensions.width,d.picture.dimensions.height,d.picture.rgb).unwrap().save("/tmp/d11.png").unwrap();
}
