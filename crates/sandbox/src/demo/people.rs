//! Names, cities and telephone numbers of many countries.
//!
//! Telephone numbers come from the ranges that a country reserves for fiction where it has one that number libraries
//! take for valid (GB, US, DE, FR, AU, SE; the reserved mobile ranges of GB and FR are not, so land lines stand in);
//! elsewhere they only have the right form.

use super::random::Random;

/// A name as it is written, and its Latin form for e-mail addresses.
pub(crate) type Name = (&'static str, &'static str);

/// How numbers look in a country: country code, trunk prefix, area code, and the rest with `#` for a digit.
pub(crate) struct Numbers {
    pub(crate) country_code: &'static str,
    pub(crate) trunk: &'static str,
    pub(crate) area: &'static str,
    pub(crate) rest: &'static str,
}

pub(crate) struct Locale {
    pub(crate) country: &'static str,
    pub(crate) cities: &'static [&'static str],
    pub(crate) first: &'static [Name],
    pub(crate) last: &'static [Name],
    pub(crate) land_line: Numbers,
    pub(crate) mobile: Numbers,
}

const fn numbers(
    country_code: &'static str,
    trunk: &'static str,
    area: &'static str,
    rest: &'static str,
) -> Numbers {
    Numbers {
        country_code,
        trunk,
        area,
        rest,
    }
}

pub(crate) const LOCALES: &[Locale] = &[
    Locale {
        country: "United Kingdom",
        cities: &["London", "Croydon", "Richmond"],
        first: &[
            ("Oliver", "oliver"),
            ("Amelia", "amelia"),
            ("Siobhán", "siobhan"),
            ("Rhys", "rhys"),
            ("Zoë", "zoe"),
            ("Graham", "graham"),
            ("Priya", "priya"),
            ("Niamh", "niamh"),
        ],
        last: &[
            ("Whitfield", "whitfield"),
            ("O'Brien", "obrien"),
            ("MacLeod", "macleod"),
            ("Okafor", "okafor"),
            ("Fitzgerald-Moore", "fitzgerald-moore"),
            ("Ashworth", "ashworth"),
            ("Llewellyn", "llewellyn"),
        ],
        land_line: numbers("44", "0", "20", "7946 0###"),
        mobile: numbers("44", "0", "161", "496 0###"),
    },
    Locale {
        country: "United States",
        cities: &["New York", "Brooklyn", "Queens"],
        first: &[
            ("Emily", "emily"),
            ("Jamal", "jamal"),
            ("María José", "mariajose"),
            ("Tyler", "tyler"),
            ("Grace", "grace"),
            ("DeShawn", "deshawn"),
            ("Hannah", "hannah"),
            ("Mateo", "mateo"),
        ],
        last: &[
            ("Anderson", "anderson"),
            ("Washington", "washington"),
            ("Ramírez", "ramirez"),
            ("Nguyen", "nguyen"),
            ("Kowalczyk", "kowalczyk"),
            ("Brooks", "brooks"),
            ("D'Angelo", "dangelo"),
        ],
        land_line: numbers("1", "", "212", "555-01##"),
        mobile: numbers("1", "", "646", "555-01##"),
    },
    Locale {
        country: "Germany",
        cities: &["Berlin", "Potsdam"],
        first: &[
            ("Jürgen", "juergen"),
            ("Käthe", "kaethe"),
            ("Anneliese", "anneliese"),
            ("Björn", "bjoern"),
            ("Lena", "lena"),
            ("Günther", "guenther"),
            ("Sören", "soeren"),
            ("Emine", "emine"),
        ],
        last: &[
            ("Müller", "mueller"),
            ("Weiß", "weiss"),
            ("Schröder", "schroeder"),
            ("von der Heide", "vonderheide"),
            ("Groß", "gross"),
            ("Yılmaz", "yilmaz"),
            ("Köhler", "koehler"),
        ],
        land_line: numbers("49", "0", "30", "23125 ###"),
        mobile: numbers("49", "0", "171", "39200##"),
    },
    Locale {
        country: "France",
        cities: &["Paris", "Versailles"],
        first: &[
            ("Élodie", "elodie"),
            ("François", "francois"),
            ("Noël", "noel"),
            ("Chloé", "chloe"),
            ("Jean-Baptiste", "jean-baptiste"),
            ("Aïcha", "aicha"),
            ("Gaëlle", "gaelle"),
        ],
        last: &[
            ("Lefèvre", "lefevre"),
            ("Dupré", "dupre"),
            ("Bénédicte-Roux", "benedicte-roux"),
            ("L'Hôpital", "lhopital"),
            ("Moreau", "moreau"),
            ("Çelik", "celik"),
        ],
        land_line: numbers("33", "0", "1", "99 00 ## ##"),
        mobile: numbers("33", "0", "3", "53 01 ## ##"),
    },
    Locale {
        country: "Netherlands",
        cities: &["Utrecht", "Zeist", "Nieuwegein"],
        first: &[
            ("Daan", "daan"),
            ("Fleur", "fleur"),
            ("Joëlle", "joelle"),
            ("Sjoerd", "sjoerd"),
            ("Maartje", "maartje"),
            ("Thijs", "thijs"),
        ],
        last: &[
            ("de Vries", "devries"),
            ("van den Berg", "vandenberg"),
            ("Bakker", "bakker"),
            ("IJsselstein", "ijsselstein"),
            ("'t Hart", "thart"),
            ("Jansen", "jansen"),
        ],
        land_line: numbers("31", "0", "30", "555 1###"),
        mobile: numbers("31", "0", "6", "1234 5###"),
    },
    Locale {
        country: "Sweden",
        cities: &["Stockholm", "Solna"],
        first: &[
            ("Åsa", "asa"),
            ("Göran", "goran"),
            ("Märta", "marta"),
            ("Linnéa", "linnea"),
            ("Håkan", "hakan"),
            ("Ebba", "ebba"),
        ],
        last: &[
            ("Lindström", "lindstrom"),
            ("Åkesson", "akesson"),
            ("Sjögren", "sjogren"),
            ("Bergqvist", "bergqvist"),
            ("Nyström", "nystrom"),
        ],
        land_line: numbers("46", "0", "8", "465 004 ##"),
        mobile: numbers("46", "0", "70", "174 06 ##"),
    },
    Locale {
        country: "Poland",
        cities: &["Warszawa", "Piaseczno"],
        first: &[
            ("Łukasz", "lukasz"),
            ("Małgorzata", "malgorzata"),
            ("Żaneta", "zaneta"),
            ("Wojciech", "wojciech"),
            ("Agnieszka", "agnieszka"),
        ],
        last: &[
            ("Wiśniewska", "wisniewska"),
            ("Dąbrowski", "dabrowski"),
            ("Źródlak", "zrodlak"),
            ("Świątek", "swiatek"),
            ("Brzęczyszczykiewicz", "brzeczyszczykiewicz"),
        ],
        land_line: numbers("48", "", "22", "555 0# ##"),
        mobile: numbers("48", "", "601", "555 ###"),
    },
    Locale {
        country: "Greece",
        cities: &["Αθήνα", "Πειραιάς"],
        first: &[
            ("Γιώργος", "giorgos"),
            ("Ελένη", "eleni"),
            ("Δημήτρης", "dimitris"),
            ("Σοφία", "sofia"),
            ("Αχιλλέας", "achilleas"),
        ],
        last: &[
            ("Παπαδόπουλος", "papadopoulos"),
            ("Κωνσταντίνου", "konstantinou"),
            ("Νικολαΐδης", "nikolaidis"),
            ("Οικονόμου", "oikonomou"),
        ],
        land_line: numbers("30", "", "21", "0555 0###"),
        mobile: numbers("30", "", "69", "4455 0###"),
    },
    Locale {
        country: "Bulgaria",
        cities: &["София", "Перник"],
        first: &[
            ("Иван", "ivan"),
            ("Екатерина", "ekaterina"),
            ("Юлия", "yuliya"),
            ("Мария", "maria"),
            ("Борис", "boris"),
            ("Цветана", "tsvetana"),
        ],
        last: &[
            ("Иванов", "ivanov"),
            ("Щерева", "shtereva"),
            ("Жеков", "zhekov"),
            ("Димитрова", "dimitrova"),
            ("Цанкова", "tsankova"),
        ],
        land_line: numbers("359", "0", "2", "955 0###"),
        mobile: numbers("359", "0", "88", "855 0###"),
    },
    Locale {
        country: "Egypt",
        cities: &["القاهرة", "الجيزة"],
        first: &[
            ("محمد", "mohamed"),
            ("فاطمة", "fatma"),
            ("أحمد", "ahmed"),
            ("ليلى", "layla"),
            ("يوسف", "youssef"),
        ],
        last: &[
            ("عبد الله", "abdallah"),
            ("الشريف", "elsherif"),
            ("منصور", "mansour"),
            ("حسن", "hassan"),
        ],
        land_line: numbers("20", "0", "2", "2755 0###"),
        mobile: numbers("20", "0", "100", "555 0###"),
    },
    Locale {
        country: "Israel",
        cities: &["תל אביב", "רמת גן"],
        first: &[
            ("נועה", "noa"),
            ("יוסי", "yossi"),
            ("שירה", "shira"),
            ("אבי", "avi"),
        ],
        last: &[
            ("כהן", "cohen"),
            ("לוי", "levi"),
            ("מזרחי", "mizrahi"),
            ("פרידמן", "friedman"),
        ],
        land_line: numbers("972", "0", "3", "555 0###"),
        mobile: numbers("972", "0", "52", "555 0###"),
    },
    Locale {
        country: "India",
        cities: &["नई दिल्ली", "गुरुग्राम"],
        first: &[
            ("आरव", "aarav"),
            ("अनन्या", "ananya"),
            ("राजेश", "rajesh"),
            ("प्रिया", "priya"),
            ("सीता", "sita"),
        ],
        last: &[
            ("शर्मा", "sharma"),
            ("गुप्ता", "gupta"),
            ("सिंह", "singh"),
            ("अग्रवाल", "agarwal"),
        ],
        land_line: numbers("91", "0", "11", "2355 0###"),
        mobile: numbers("91", "0", "98", "1055 0###"),
    },
    Locale {
        country: "China",
        cities: &["北京", "通州"],
        first: &[
            ("伟", "wei"),
            ("芳", "fang"),
            ("秀英", "xiuying"),
            ("静怡", "jingyi"),
            ("浩然", "haoran"),
        ],
        last: &[
            ("王", "wang"),
            ("李", "li"),
            ("欧阳", "ouyang"),
            ("张", "zhang"),
            ("诸葛", "zhuge"),
        ],
        land_line: numbers("86", "0", "10", "6555 0###"),
        mobile: numbers("86", "", "138", "0055 0###"),
    },
    Locale {
        country: "Japan",
        cities: &["東京", "世田谷区"],
        first: &[
            ("花子", "hanako"),
            ("太郎", "taro"),
            ("さくら", "sakura"),
            ("健一", "kenichi"),
            ("美咲", "misaki"),
        ],
        last: &[
            ("山田", "yamada"),
            ("佐藤", "sato"),
            ("髙橋", "takahashi"),
            ("渡邉", "watanabe"),
            ("鈴木", "suzuki"),
        ],
        land_line: numbers("81", "0", "3", "5555 0###"),
        mobile: numbers("81", "0", "90", "5555 0###"),
    },
    Locale {
        country: "South Korea",
        cities: &["서울", "성남"],
        first: &[
            ("민준", "minjun"),
            ("서연", "seoyeon"),
            ("지우", "jiwoo"),
            ("하은", "haeun"),
        ],
        last: &[
            ("김", "kim"),
            ("이", "lee"),
            ("박", "park"),
            ("최", "choi"),
            ("정", "jung"),
        ],
        land_line: numbers("82", "0", "2", "555 0###"),
        mobile: numbers("82", "0", "10", "5555 0###"),
    },
    Locale {
        country: "Thailand",
        cities: &["กรุงเทพมหานคร", "นนทบุรี"],
        first: &[
            ("สมชาย", "somchai"),
            ("สุดา", "suda"),
            ("ณัฐ", "nat"),
            ("พิมพ์", "pim"),
        ],
        last: &[("ศรีสุข", "srisuk"), ("ใจดี", "jaidee"), ("วงศ์ใหญ่", "wongyai")],
        land_line: numbers("66", "0", "2", "255 0###"),
        mobile: numbers("66", "0", "81", "255 0###"),
    },
    Locale {
        country: "Vietnam",
        cities: &["Hà Nội", "Hải Phòng"],
        first: &[
            ("Thị Hương", "huong"),
            ("Văn Đức", "duc"),
            ("Ngọc Ánh", "anh"),
            ("Quốc Bảo", "bao"),
        ],
        last: &[
            ("Nguyễn", "nguyen"),
            ("Trần", "tran"),
            ("Phạm", "pham"),
            ("Đặng", "dang"),
        ],
        land_line: numbers("84", "0", "24", "3555 0###"),
        mobile: numbers("84", "0", "91", "255 0###"),
    },
    Locale {
        country: "Brazil",
        cities: &["São Paulo", "Guarulhos"],
        first: &[
            ("João", "joao"),
            ("Conceição", "conceicao"),
            ("Antônio", "antonio"),
            ("Luíza", "luiza"),
            ("Thaís", "thais"),
        ],
        last: &[
            ("da Silva", "dasilva"),
            ("Gonçalves", "goncalves"),
            ("Araújo", "araujo"),
            ("Muñoz", "munoz"),
        ],
        land_line: numbers("55", "0", "11", "3555-0###"),
        mobile: numbers("55", "0", "11", "95555-0###"),
    },
    Locale {
        country: "Australia",
        cities: &["Sydney", "Parramatta"],
        first: &[
            ("Jack", "jack"),
            ("Matilda", "matilda"),
            ("Lachlan", "lachlan"),
            ("Charlotte", "charlotte"),
        ],
        last: &[
            ("Murray", "murray"),
            ("Papalia", "papalia"),
            ("Singh", "singh"),
            ("O'Connell", "oconnell"),
        ],
        land_line: numbers("61", "0", "2", "5550 ####"),
        mobile: numbers("61", "0", "491", "570 15#"),
    },
    Locale {
        country: "Ireland",
        cities: &["Cork", "Cobh"],
        first: &[
            ("Aoife", "aoife"),
            ("Seán", "sean"),
            ("Caoimhe", "caoimhe"),
            ("Tadhg", "tadhg"),
        ],
        last: &[
            ("Ó Súilleabháin", "osuilleabhain"),
            ("Murphy", "murphy"),
            ("Ní Bhriain", "nibhriain"),
        ],
        land_line: numbers("353", "0", "21", "455 0###"),
        mobile: numbers("353", "0", "86", "855 0###"),
    },
];

/// Country codes of countries that dial `00` for abroad.
const DIALS_00: [&str; 12] = [
    "20", "30", "31", "33", "353", "359", "44", "46", "48", "49", "86", "91",
];

impl Numbers {
    /// A number, written in one of the ways in which people write numbers.
    pub(crate) fn written(&self, random: &mut Random) -> String {
        let mut rest = String::new();
        for c in self.rest.chars() {
            match c {
                // Numbers that end in a nine are kept for people who are in the data on purpose.
                '#' => rest.push(char::from(
                    b'0' + u8::try_from(random.below(9)).unwrap_or(0),
                )),
                c => rest.push(c),
            }
        }
        let Numbers {
            country_code,
            trunk,
            area,
            ..
        } = self;
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        let extension = random.below(90) + 10;
        match random.below(8) {
            0 => format!("+{country_code} {area} {rest}"),
            1 => format!("({trunk}{area}) {rest}"),
            2 if DIALS_00.contains(country_code) => {
                format!("00{country_code}-{area}-{digits} ext. {extension}")
            }
            3 => format!("{trunk}{area} {rest}"),
            4 if !trunk.is_empty() => format!("+{country_code} ({trunk}){area} {rest}"),
            5 => format!("+{country_code}{area}{digits}"),
            6 => format!("{trunk}{area}.{}", rest.replace([' ', '-'], ".")),
            7 => format!("{trunk}{area}-{}", rest.replace(' ', "-")),
            _ => format!("+{country_code} {area} {rest} x{extension}"),
        }
    }
}
